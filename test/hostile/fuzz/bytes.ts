/** One stream of chance: the same for the same seed and case, whatever was drawn for the cases before it. */
export class Chance {
  #state: number;

  constructor(seed: number, at: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(at + 1, 0xc2b2ae35);
    for (let round = 0; round < 4; round += 1) this.next();
  }

  /** 0 … 1, without 1 (xorshift and a multiplication, 32 bits). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  int(count: number): number {
    return Math.floor(this.next() * count);
  }

  is(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)] as T;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.int(256)));
  }

  /** Small ones mostly; now and then at a border of the length's encodings. */
  length(): number {
    if (this.is(0.7)) return this.int(40);
    return this.pick([0, 1, 124, 125, 126, 127, 200, 1_000, 65_535, 65_536]);
  }
}

/** Damages bytes as a broken peer, a proxy or a stranger would. */
export function damaged(bytes: Buffer, chance: Chance): Buffer {
  const copy = Buffer.from(bytes);
  switch (chance.int(6)) {
    case 0:
      return copy.subarray(0, chance.int(copy.byteLength + 1));
    case 1:
      return Buffer.concat([copy, chance.bytes(1 + chance.int(20))]);
    case 2: {
      const at = chance.int(copy.byteLength + 1);
      return Buffer.concat([copy.subarray(0, at), chance.bytes(1 + chance.int(8)), copy.subarray(at)]);
    }
    case 3: {
      const from = chance.int(copy.byteLength + 1);
      return Buffer.concat([
        copy.subarray(0, from),
        copy.subarray(Math.min(copy.byteLength, from + 1 + chance.int(8))),
      ]);
    }
    default:
      for (let flips = 1 + chance.int(3); flips > 0 && copy.byteLength > 0; flips -= 1) {
        const at = chance.int(copy.byteLength);
        copy[at] = (copy[at] as number) ^ (1 << chance.int(8));
      }
      return copy;
  }
}

/** Cuts bytes into packets: whole, by the byte, or anywhere. */
export function packets(bytes: Buffer, chance: Chance): Buffer[] {
  if (chance.is(0.7) || bytes.byteLength < 2) return [bytes];
  if (bytes.byteLength < 400 && chance.is(0.3)) return Array.from(bytes, (byte) => Buffer.of(byte));
  const cuts: Buffer[] = [];
  let from = 0;
  while (from < bytes.byteLength) {
    const to = Math.min(bytes.byteLength, from + 1 + chance.int(bytes.byteLength));
    cuts.push(bytes.subarray(from, to));
    from = to;
  }
  return cuts;
}
