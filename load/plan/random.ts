/**
 * Numbers from 0 to below 1 that depend on nothing but the seed and the words after it, so that every process draws the
 * same ones for the same speaker (Mulberry32 over a murmur-style mix; not for secrets).
 */
export function seeded(seed: number, ...words: readonly number[]): () => number {
  let state = hash32(seed, ...words);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 32 bits of all the words; safe integers count with both halves. */
export function hash32(...words: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const word of words) {
    state = mix(state ^ (word | 0));
    state = mix(state ^ (Math.floor(word / 2 ** 32) | 0));
  }
  return state >>> 0;
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) + 0x9e3779b9;
}

/** So many different numbers below `total`, in random order (a partial Fisher–Yates shuffle). */
export function sample(total: number, count: number, random: () => number): number[] {
  const numbers = Array.from({ length: total }, (_, index) => index);
  for (let index = 0; index < count; index += 1) {
    const other = index + Math.floor(random() * (total - index));
    [numbers[index], numbers[other]] = [numbers[other] as number, numbers[index] as number];
  }
  return numbers.slice(0, count);
}
