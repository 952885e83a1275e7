import { stampLength } from './stamp.ts';

interface StampPlace {
  readonly offset: number;
  /** The first bytes of such a frame, as far as they come before the stamp. */
  readonly head: Buffer;
}

const headLength = 12;
const placesMax = 64;
const tilde = 0x7e;

/**
 * This learns where the stamp stands in the frames of a protocol from what the adapter found: at this distance, in a
 * frame that begins like that one, and alone. Everything else (a batch, a page of history, a stamp that lost its first
 * characters) is left to the adapter, so scanning never sees another delivery than the adapter would.
 */
export class StampPlaces {
  readonly #prefix: Buffer;
  readonly #places: StampPlace[] = [];

  constructor(prefix: Buffer) {
    this.#prefix = prefix;
  }

  /** Where the stamp of this frame begins, or -1 where the adapter has to look. */
  find(bytes: Buffer, start: number, end: number): number {
    for (let index = 0; index < this.#places.length; index += 1) {
      const { offset, head } = this.#places[index] as StampPlace;
      const at = start + offset;
      if (at + stampLength > end || !matches(bytes, at, this.#prefix) || !matches(bytes, start, head)) continue;
      if (index > 0) this.#promote(index);
      return isAlone(bytes, start, end, at) ? at : -1;
    }
    return -1;
  }

  /** The adapter found this one stamp in the frame. */
  learn(bytes: Buffer, start: number, end: number, stamp: string): void {
    if (this.#places.length >= placesMax || stamp.length !== stampLength) return;
    const offset = bytes.subarray(start, end).indexOf(stamp, 0, 'latin1');
    if (offset < 0 || !isAlone(bytes, start, end, start + offset)) return;
    const head = Buffer.from(bytes.subarray(start, start + Math.min(headLength, offset)));
    if (this.#places.some((place) => place.offset === offset && place.head.equals(head))) return;
    this.#places.push({ offset, head });
  }

  /** A place that fits moves forward by one: the common ones end up in front. */
  #promote(index: number): void {
    const place = this.#places[index] as StampPlace;
    this.#places[index] = this.#places[index - 1] as StampPlace;
    this.#places[index - 1] = place;
  }
}

function matches(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let index = 0; index < expected.length; index += 1) if (bytes[at + index] !== expected[index]) return false;
  return true;
}

/** No other stamp can be in a frame that has no other tilde. */
function isAlone(bytes: Buffer, start: number, end: number, at: number): boolean {
  for (let index = start; index < at; index += 1) if (bytes[index] === tilde) return false;
  for (let index = at + stampLength; index < end; index += 1) if (bytes[index] === tilde) return false;
  return true;
}
