/**
 * The log keeps when each message of one speaker really left: 8 bytes a message, by sequence. What settlement needs of
 * a sender.
 */
export class SenderLog {
  #sentUs: Float64Array = new Float64Array(8);
  #count: number = 0;
  #warmup: number = 0;
  readonly #leftUs: number[] = [];
  readonly #voids: (readonly [from: number, to: number])[] = [];

  /** Messages so far; also the last sequence. */
  get count(): number {
    return this.#count;
  }

  /** Sequences up to this one were intended in the warm-up and do not count. */
  get warmup(): number {
    return this.#warmup;
  }

  /** When the speaker's connections began to end. */
  get leftUs(): readonly number[] {
    return this.#leftUs;
  }

  /** Notes the next message and returns its sequence. */
  add(sentUs: number, isWarmup: boolean): number {
    if (this.#count === this.#sentUs.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#sentUs);
      this.#sentUs = larger;
    }
    this.#sentUs[this.#count] = sentUs;
    this.#count += 1;
    if (isWarmup) this.#warmup = this.#count;
    return this.#count;
  }

  /** Ranges of sequences that may never have reached the server: the sender's connection ended behind them. */
  get voids(): readonly (readonly [from: number, to: number])[] {
    return this.#voids;
  }

  /** The messages from `sequence` on, as far as there are any, were on their way when the connection ended. */
  voidFrom(sequence: number): void {
    if (sequence <= this.#count) this.#voids.push([sequence, this.#count]);
  }

  leave(atUs: number): void {
    this.#leftUs.push(atUs);
  }

  /** The first sequence that was sent at `atUs` or after it. */
  firstFrom(atUs: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sentUs[middle] as number) < atUs) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }

  /** The last sequence that was sent at `atUs` or before it; 0 where there is none. */
  lastUntil(atUs: number): number {
    if (atUs === Infinity) return this.#count;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sentUs[middle] as number) <= atUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  toPlain(): PlainSenderLog {
    return {
      sentUs: this.#sentUs.slice(0, this.#count),
      warmup: this.#warmup,
      leftUs: [...this.#leftUs],
      voids: [...this.#voids],
    };
  }

  static fromPlain(plain: PlainSenderLog): SenderLog {
    const log = new SenderLog();
    log.#sentUs = plain.sentUs;
    log.#count = plain.sentUs.length;
    log.#warmup = plain.warmup;
    log.#leftUs.push(...plain.leftUs);
    log.#voids.push(...plain.voids);
    return log;
  }
}

/** What one process tells another of its speakers in a room that both share. */
export interface PlainSenderLog {
  readonly sentUs: Float64Array;
  readonly warmup: number;
  readonly leftUs: readonly number[];
  readonly voids: readonly (readonly [from: number, to: number])[];
}
