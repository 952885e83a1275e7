import type { Message } from '../../src/index.ts';

/** From so many on a test does not wait for more of them: what is there decides, though more is on its way. */
const floodFrames = 2_048;
const framesMax = 16_384;
const bytesMax = 16 * 1024 * 1024;

/**
 * Unread frames are those that a test has not read. There is an end to them: a client that holds so many reads no
 * further until some are taken.
 */
export class UnreadFrames {
  #frames: Message[] = [];
  #bytes = 0;

  get all(): readonly Message[] {
    return this.#frames;
  }

  get isFlood(): boolean {
    return this.#frames.length >= floodFrames || this.#bytes >= bytesMax;
  }

  get isFull(): boolean {
    return this.#frames.length >= framesMax || this.#bytes >= bytesMax;
  }

  /** Room for half as many again: it is worth reading on. */
  get hasRoom(): boolean {
    return this.#frames.length <= framesMax / 2 && this.#bytes <= bytesMax / 2;
  }

  add(message: Message): void {
    this.#frames.push(message);
    this.#bytes += sizeOf(message);
  }

  take(count: number): void {
    for (const frame of this.#frames.slice(0, count)) this.#bytes -= sizeOf(frame);
    this.#frames = this.#frames.slice(count);
  }
}

function sizeOf({ data }: Message): number {
  return typeof data === 'string' ? data.length : data.byteLength;
}
