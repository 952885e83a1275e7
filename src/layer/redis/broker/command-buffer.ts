/** This encodes commands as arrays of strings (redis.io, "Redis serialization protocol specification"). */

const startBytes = 16 * 1024;
/** A buffer that one large command has made larger is not kept. */
const keptBytesMax = 64 * 1024;
/** Of the number and the line ends around a string. */
const frameBytes = 24;
/** Shorter ones are written letter by letter: asking the runtime takes longer. */
const shortLength = 64;
const [star, dollar, zero, carriageReturn, lineFeed] = [42, 36, 48, 13, 10];

/**
 * A command buffer gathers the commands of a turn, encoded one behind the other, for one write. It is used again once the
 * system has taken what it held: a publish makes no buffer for its command.
 */
export class CommandBuffer {
  #bytes: Buffer = Buffer.allocUnsafeSlow(startBytes);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(command: readonly (string | Buffer)[]): void {
    this.#header(star, command.length);
    for (const arg of command) {
      if (typeof arg === 'string') this.#text(arg);
      else {
        this.#header(dollar, arg.length);
        this.#reserve(arg.length);
        this.#length += arg.copy(this.#bytes, this.#length);
      }
      this.#lineEnd();
    }
  }

  /**
   * All of it, which is gone from here then.
   * @param write says whether the bytes are its own now, or free to be written over
   */
  flush(write: (bytes: Buffer) => 'kept' | 'free'): void {
    const bytes = this.#bytes;
    const length = this.#length;
    this.#length = 0;
    if (write(bytes.subarray(0, length)) === 'kept' || bytes.length > keptBytesMax) {
      this.#bytes = Buffer.allocUnsafeSlow(startBytes);
    }
  }

  #text(text: string): void {
    const { length } = text;
    if (length <= shortLength) {
      const start = this.#length;
      this.#header(dollar, length);
      if (this.#letters(text)) return;
      this.#length = start;
    }
    const byteLength = Buffer.byteLength(text);
    this.#header(dollar, byteLength);
    this.#reserve(byteLength);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** @returns false, and leaves no more than a trace beyond the end, where one of them takes more than a byte */
  #letters(text: string): boolean {
    const { length } = text;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      bytes[at] = code;
      at += 1;
    }
    this.#length = at;
    return true;
  }

  #header(kind: number, count: number): void {
    this.#reserve(0);
    const bytes = this.#bytes;
    let digits = 1;
    for (let rest = count; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
    bytes[this.#length] = kind;
    let rest = count;
    for (let at = this.#length + digits; at > this.#length; at -= 1) {
      bytes[at] = zero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#length += 1 + digits;
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.#bytes[this.#length] = carriageReturn;
    this.#bytes[this.#length + 1] = lineFeed;
    this.#length += 2;
  }

  /** Room for so many bytes, and for what stands around them. */
  #reserve(byteLength: number): void {
    const needed = this.#length + byteLength + frameBytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
