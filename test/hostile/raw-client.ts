import { connect, type Socket } from 'node:net';
import { decodeFrames, opcode, type ReceivedFrame } from './frames.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export type HeaderChanges = Readonly<Record<string, string | readonly string[] | undefined>>;

/** An opening handshake as text; a change of `undefined` leaves the header out, a list repeats it. */
export function handshake(start = 'GET /echo HTTP/1.1', changes: HeaderChanges = {}): string {
  const headers: Record<string, string | readonly string[] | undefined> = {
    Host: 'app.test',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...changes,
  };
  const lines = [start];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) lines.push(`${name}: ${one}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A TCP client that sends whatever it is told, and reads HTTP first and frames then. */
export class RawClient {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #isUpgraded = false;
  #frames: ReceivedFrame[] = [];
  #watchers: (() => void)[] = [];
  #hasEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#parse();
      this.#tell();
    });
    for (const event of ['end', 'close', 'error'] as const) {
      socket.on(event, () => {
        this.#hasEnded = true;
        this.#tell();
      });
    }
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  write(...parts: readonly (string | Uint8Array)[]): this {
    this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
    return this;
  }

  /** The answer to the handshake; undefined where the server hung up without one. */
  async answer(): Promise<HttpAnswer | undefined> {
    await this.#until(() => this.#hasHead());
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [start = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const headers = new Headers(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    );
    const status = Number(start.split(' ')[1]);
    if (status !== 101) {
      await this.#until(() => this.#hasBody(headers, end + 4));
      return { status, headers, body: this.#bytes.toString('utf8', end + 4) };
    }
    this.#isUpgraded = true;
    this.#bytes = this.#bytes.subarray(end + 4);
    this.#parse();
    return { status, headers, body: '' };
  }

  /** Everything that came and was read by nobody, as it came. */
  get unread(): string {
    return this.#bytes.toString('latin1');
  }

  /** The next frame; undefined once the server has hung up. */
  async frame(): Promise<ReceivedFrame | undefined> {
    await this.#until(() => this.#frames.length > 0);
    return this.#frames.shift();
  }

  async text(): Promise<string | undefined> {
    const frame = await this.frame();
    return frame?.opcode === opcode.text ? frame.payload.toString() : undefined;
  }

  /** Code of the close frame, past any other frames; 1006 where the server hung up without one. */
  async closeCode(): Promise<number> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) return 1006;
      if (frame.opcode === opcode.close) return frame.payload.byteLength < 2 ? 1005 : frame.payload.readUInt16BE(0);
    }
  }

  /** Resolves when the server has ended its side. */
  async ended(): Promise<void> {
    await this.#until(() => this.#hasEnded);
  }

  /** Vanishes with a reset, as a crashed machine's peer sees it. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #hasHead(): boolean {
    return this.#bytes.includes('\r\n\r\n');
  }

  #hasBody(headers: Headers, startsAt: number): boolean {
    const length = headers.get('content-length');
    if (length !== null) return this.#bytes.byteLength >= startsAt + Number(length);
    return headers.has('transfer-encoding') && this.#bytes.includes('\r\n0\r\n\r\n');
  }

  #parse(): void {
    if (!this.#isUpgraded) return;
    const { frames, rest } = decodeFrames(this.#bytes);
    this.#frames.push(...frames);
    this.#bytes = rest;
  }

  #tell(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const tell of watchers) tell();
  }

  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere() && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
      });
    }
  }
}
