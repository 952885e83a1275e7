/** Chance comes from a seed, the same in every process and on every version of Node; it is not for secrets. */

/**
 * Draws numbers from 0 to below 1 that depend on nothing but the seed and the words after it, so that every process draws
 * the same ones for the same speaker.
 */
export function seeded(seed: number, ...words: readonly number[]): () => number {
  return mulberry32(hash32(seed, ...words));
}

/** Mulberry32, whose sequence is frozen by a test, so that a seed printed today replays tomorrow. */
export class SeededRandom {
  /** 0 … 1, the latter left out. */
  readonly next: () => number;

  /** @param seed 32 bits of it count. */
  constructor(seed: number) {
    this.next = mulberry32(Math.trunc(seed));
  }

  uuid(): string {
    return uuidFrom(this.next);
  }
}

/** Draws an id in the form of a version 4 uuid. */
export function uuidFrom(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16));
  hex[12] = '4';
  hex[16] = ((Number.parseInt(hex[16] as string, 16) & 3) | 8).toString(16);
  const text = hex.join('');
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}

/** Mixes all the words into 32 bits; safe integers count with both halves. */
export function hash32(...words: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const word of words) {
    state = mix(state ^ (word | 0));
    state = mix(state ^ (Math.floor(word / 2 ** 32) | 0));
  }
  return state >>> 0;
}

/** Takes so many different numbers below `total`, in random order (a partial Fisher–Yates shuffle). */
export function sample(total: number, count: number, random: () => number): number[] {
  const numbers = Array.from({ length: total }, (_, index) => index);
  for (let index = 0; index < count; index += 1) {
    const other = index + Math.floor(random() * (total - index));
    [numbers[index], numbers[other]] = [numbers[other] as number, numbers[index] as number];
  }
  return numbers.slice(0, count);
}

function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) + 0x9e3779b9;
}
