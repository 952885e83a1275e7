/** Chance is a pure function of a seed and a name: nothing here remembers what was drawn before. */

/** Runs of one seed; their seeds stay below 2^53. */
export const runsMax: number = 2 ** 20;

/** Mixes the bits of a whole number; a bijection of 32 bits. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function absorb(state: number, text: string): number {
  let hash = state;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash ^ text.length);
}

/** 32 bits for a name under a seed of up to 53 bits. */
export function chanceOf(seed: number, name: string): number {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  return mix(absorb(mix(low ^ 0x9e3779b9), name) ^ mix(high + 0x7f4a7c15));
}

/** Seeds of different runs are different numbers, whichever seed they belong to, as long as that is below 2^33. */
export function runSeedOf(seed: number, run: number): number {
  if (seed < 2 ** 33) return seed * runsMax + run;
  return chanceOf(seed, `run ${run}`) * 2 ** 21 + (chanceOf(seed, `more ${run}`) >>> 11);
}

const hexOf: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The upper or the lower 16 bits of a word. */
function half(word: number, shift: 0 | 16): string {
  return (hexOf[(word >>> (shift + 8)) & 255] as string) + (hexOf[(word >>> shift) & 255] as string);
}

/** In the form of a version 4 uuid. */
export function uuidOf(seed: number, name: string): string {
  const [a, b, c, d] = [0, 1, 2, 3].map((at) => chanceOf(seed, `${at} ${name}`)) as [number, number, number, number];
  const version = (b & 0xffff0fff) | 0x4000;
  const variant = (c & 0x3fffffff) | 0x80000000;
  return `${half(a, 16)}${half(a, 0)}-${half(b, 16)}-${half(version, 0)}-${half(variant, 16)}-${half(c, 0)}${half(d, 16)}${half(d, 0)}`;
}

/** A running digest of all that happened, 64 bits. */
export class Digest {
  #low = 0x811c9dc5;
  #high = 0x2545f491;

  add(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high + code, 0x5bd1e995) ^ (high >>> 15);
    }
    this.#low = Math.imul(low ^ text.length, 0x01000193);
    this.#high = high;
  }

  get text(): string {
    const hex = (value: number): string => mix(value).toString(16).padStart(8, '0');
    return hex(this.#low ^ (this.#high << 7)) + hex(this.#high);
  }
}
