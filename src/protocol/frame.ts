/**
 * A frame is a payload encoded once. A transport may keep its wire form on it, so that a thousand members cost one
 * framing.
 */
export class Frame {
  readonly type: 'text' | 'bytes';
  /** The payload as the sender has it: never changed once here. */
  readonly data: string | Uint8Array;
  /** One socket alone sends it: a wire form kept for the next would be asked for by nobody. */
  readonly isForOne: boolean;
  /** What the transport made of it: header and payload in one buffer; `compressed` likewise. Owned by the transport. */
  wire: Uint8Array | undefined = undefined;
  compressed: Uint8Array | undefined = undefined;
  #byteLength: number;

  private constructor(type: 'text' | 'bytes', data: string | Uint8Array, isForOne: boolean) {
    this.type = type;
    this.data = data;
    this.isForOne = isForOne;
    this.#byteLength = typeof data === 'string' ? -1 : data.byteLength;
  }

  /** A text frame of this text. */
  static text(text: string): Frame {
    return new Frame('text', text, false);
  }

  /** Takes a copy: what the caller does to `bytes` afterwards changes nothing that is sent. */
  static bytes(bytes: Uint8Array): Frame {
    return new Frame('bytes', new Uint8Array(bytes), false);
  }

  /** The same, for one socket alone. */
  static forOne(data: string | Uint8Array): Frame {
    return typeof data === 'string' ? new Frame('text', data, true) : new Frame('bytes', new Uint8Array(data), true);
  }

  /** Payload bytes, without the frame's header. */
  get byteLength(): number {
    if (this.#byteLength < 0) this.#byteLength = Buffer.byteLength(this.data as string);
    return this.#byteLength;
  }
}
