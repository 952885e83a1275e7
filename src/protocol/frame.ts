/**
 * A frame is a payload encoded once. A transport may keep its wire form on it, so that a thousand members cost one
 * framing.
 */
export class Frame {
  readonly type: 'text' | 'bytes';
  /** The payload as the sender has it: never changed once here. */
  readonly data: string | Uint8Array;
  /** What the transport made of it: header and payload in one buffer; `compressed` likewise. Owned by the transport. */
  wire: Uint8Array | undefined = undefined;
  compressed: Uint8Array | undefined = undefined;
  #byteLength: number;

  private constructor(type: 'text' | 'bytes', data: string | Uint8Array) {
    this.type = type;
    this.data = data;
    this.#byteLength = typeof data === 'string' ? -1 : data.byteLength;
  }

  /** A text frame of this text. */
  static text(text: string): Frame {
    return new Frame('text', text);
  }

  /** Takes a copy: what the caller does to `bytes` afterwards changes nothing that is sent. */
  static bytes(bytes: Uint8Array): Frame {
    return new Frame('bytes', new Uint8Array(bytes));
  }

  /** Payload bytes, without the frame's header. */
  get byteLength(): number {
    if (this.#byteLength < 0) this.#byteLength = Buffer.byteLength(this.data as string);
    return this.#byteLength;
  }
}
