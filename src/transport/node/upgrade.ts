import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HandshakeError, WebSocketDisconnect } from '../../errors.ts';
import { Answering } from './answers.ts';
import { pathOf, type UpgradeRequest, type HttpRefusal } from './upgrade-request.ts';
import type { Upgrade, UpgradeAnswer, Wire } from '../transport.ts';

/**
 * Hands an accepted socket over; undefined where the client has gone.
 * @param head what the client has sent behind its request
 */
export type OpenSocket = (handshake: UpgradeRequest, answer: UpgradeAnswer, head: Buffer) => Wire | undefined;

/** Two ways to answer an upgrade, shared by all of one transport. */
export interface UpgradeAnswers {
  readonly open: OpenSocket;
  /** A refusal is on its way over this socket. */
  readonly answering?: ((socket: Socket) => Answering) | undefined;
}

/** Of what a client sends before it is answered. */
const earlyBytesMax = 64 * 1024;

/**
 * This is an upgrade request of `node:http`. What it knows is read when asked for; the request itself goes with the
 * answer.
 */
export class NodeUpgrade implements Upgrade {
  readonly #answers: UpgradeAnswers;
  /** Let go of with the answer. */
  #handshake: UpgradeRequest | undefined;
  /**
   * Once it is answered: scheme, the client's address and port, target, and names and values of the headers in turn,
   * a line each. One string: a tenth of what they weigh apart.
   */
  #packed = '';
  #watch: LeaveWatch | undefined = undefined;

  constructor(handshake: UpgradeRequest, answers: UpgradeAnswers) {
    this.#handshake = handshake;
    this.#answers = answers;
  }

  /** A handshake has no other (RFC 6455 §4.1). */
  get method(): string {
    return 'GET';
  }

  get client(): { readonly host: string; readonly port: number } {
    const [, host = '', port = ''] = this.#lines;
    return { host, port: Number(port) };
  }

  get url(): URL {
    const [scheme = '', , , target = ''] = this.#lines;
    return urlOf(target, this.header('host'), scheme === 'wss');
  }

  /** The request's path, still escaped, without its query. */
  get path(): string {
    return this.#handshake?.path ?? pathOf(this.#lines[3] ?? '/');
  }

  get headers(): readonly (readonly [string, string])[] {
    const raw = this.#rawHeaders;
    const pairs: [string, string][] = [];
    for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] as string, raw[at + 1] as string]);
    return pairs;
  }

  header(name: string): string | undefined {
    // What every handshake is asked for has been read already.
    if (this.#handshake !== undefined && name === 'origin') return this.#handshake.origin;
    if (this.#handshake !== undefined && name === 'host') return this.#handshake.host;
    const raw = this.#rawHeaders;
    for (let at = 0; at + 1 < raw.length; at += 2) {
      const candidate = raw[at] as string;
      if (candidate.length === name.length && candidate.toLowerCase() === name) return raw[at + 1];
    }
    return undefined;
  }

  get request(): IncomingMessage | undefined {
    return this.#handshake?.request;
  }

  get askingBytes(): number {
    const handshake = this.#handshake;
    if (handshake === undefined) return 0;
    const early = this.#watch?.heldBytes ?? handshake.head.byteLength;
    return requestBytes + handshake.headerBytes + early + handshake.socket.readableLength;
  }

  get keptBytes(): number {
    return this.#packed.length;
  }

  /** Aborts when the client leaves unanswered. To notice that, the socket is read; what comes is kept for the wire. */
  get signal(): AbortSignal {
    this.#watch ??= new LeaveWatch(this.#handshake);
    return this.#watch.signal;
  }

  accept(answer: UpgradeAnswer): Promise<Wire> {
    try {
      const wire = this.acceptNow(answer);
      return wire === undefined ? Promise.reject(new WebSocketDisconnect(1006, '', false)) : Promise.resolve(wire);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  acceptNow(answer: UpgradeAnswer): Wire | undefined {
    const handshake = this.#release('accept');
    const head = this.#watch?.stop() ?? handshake.head;
    const wire = this.#watch?.hasLeft === true ? undefined : this.#answers.open(handshake, answer, head);
    if (wire === undefined) handshake.socket.destroy();
    // The watch left the socket paused, and a listener alone does not set a paused one going.
    else if (this.#watch !== undefined) handshake.socket.resume();
    return wire;
  }

  async deny(response: Response): Promise<void> {
    const { socket } = this.#release('deny');
    socket.on('error', ignore);
    this.#watch?.stop();
    // It counts, and its time runs, from here on: the body may be long in coming, or never end.
    const answering = this.#answers.answering?.(socket) ?? new Answering();
    let body: Buffer;
    try {
      body = await bodyOf(response, socket, answering);
    } catch (error) {
      // Whoever asked is not kept waiting for a body that cannot be read.
      refuse(socket, { status: 500, message: 'the answer could not be made' });
      throw error;
    } finally {
      answering.bodyBytes = 0;
    }
    answer(socket, { status: response.status, statusText: response.statusText, headers: [...response.headers], body });
  }

  get #rawHeaders(): readonly string[] {
    return this.#handshake?.request.rawHeaders ?? this.#lines.slice(linesBeforeHeaders);
  }

  get #lines(): readonly string[] {
    return this.#handshake === undefined ? this.#packed.split('\n') : linesOf(this.#handshake);
  }

  #release(step: string): UpgradeRequest {
    const handshake = this.#handshake;
    if (handshake === undefined) throw answeredTwice(step);
    this.#packed = linesOf(handshake).join('\n');
    this.#handshake = undefined;
    return handshake;
  }
}

const linesBeforeHeaders = 4;
/** Of a request itself, beside what it says: it and its parser, its socket, their lists. */
const requestBytes = 5_120;

/** None of them has a line break of its own: HTTP allows none. */
function linesOf({ request, socket, target }: UpgradeRequest): string[] {
  const { remoteAddress = '', remotePort = 0 } = socket;
  return ['encrypted' in socket ? 'wss' : 'ws', remoteAddress, String(remotePort), target, ...request.rawHeaders];
}

/** Reads a socket that nobody reads yet, to see whether its client leaves. */
class LeaveWatch {
  readonly #abort = new AbortController();
  readonly #socket: Socket | undefined;
  readonly #chunks: Buffer[];
  #bytes: number;

  /** @param handshake undefined: it is answered, nobody leaves unanswered any more */
  constructor(handshake: UpgradeRequest | undefined) {
    this.#socket = handshake?.socket;
    this.#chunks = handshake === undefined ? [] : [handshake.head];
    this.#bytes = handshake?.head.byteLength ?? 0;
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.destroyed || socket.readableEnded) {
      this.#onLeft();
      return;
    }
    // Node remembers an address that was asked for, beyond the end of the socket.
    ignore(socket.remoteAddress);
    // Until ws or an answer listens, nobody else does.
    socket.on('error', ignore);
    socket.on('data', this.#onData);
    socket.on('end', this.#onLeft);
    socket.on('close', this.#onLeft);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  get hasLeft(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @returns what the client sent meanwhile */
  stop(): Buffer {
    const socket = this.#socket;
    if (socket !== undefined && !this.hasLeft) {
      socket.off('data', this.#onData);
      socket.off('end', this.#onLeft);
      socket.off('close', this.#onLeft);
      socket.off('error', ignore);
      socket.pause();
    }
    return Buffer.concat(this.#chunks);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes > earlyBytesMax) this.#socket?.pause();
  };

  readonly #onLeft = (): void => {
    if (this.hasLeft) return;
    this.#abort.abort(new WebSocketDisconnect(1006, '', false));
    this.#socket?.destroy();
  };
}

/** All of it, or as much as came before the client was gone or cut off. */
async function bodyOf(response: Response, socket: Socket, answering: Answering): Promise<Buffer> {
  if (response.body === null) return Buffer.alloc(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const chunks: Uint8Array[] = [];
  socket.once('close', () => void reader.cancel().catch(ignore));
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    await answering.grow(next.value.byteLength);
  }
  return Buffer.concat(chunks);
}

interface HttpAnswer {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** Answers a request that is no handshake. */
export function refuse(socket: Socket, { status, message, headers = {} }: HttpRefusal): void {
  const body = Buffer.from(`${message}\n`);
  answer(socket, {
    status,
    headers: [...Object.entries(headers), ['Content-Type', 'text/plain; charset=utf-8']],
    body,
  });
}

function answer(socket: Socket, { status, statusText, headers, body }: HttpAnswer): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${status} ${statusText || STATUS_CODES[status] || 'Refused'}`];
  for (const [name, value] of headers) if (!isOurs(name)) lines.push(`${name}: ${value}`);
  lines.push('Connection: close', `Content-Length: ${body.byteLength}`, '', '');
  socket.on('error', ignore);
  socket.once('finish', () => socket.destroy());
  socket.write(lines.join('\r\n'));
  socket.end(body);
}

function isOurs(name: string): boolean {
  return /^(?:connection|content-length|transfer-encoding)$/i.test(name);
}

/** @throws {TypeError} where target and Host are no URL */
export function urlOf(target: string, host: string | undefined, isSecure: boolean): URL {
  return new URL(`${isSecure ? 'wss' : 'ws'}://${host ?? 'localhost'}${target.startsWith('/') ? target : '/'}`);
}

function answeredTwice(step: string): HandshakeError {
  return new HandshakeError('CHANNELBOX_ALREADY_ANSWERED', `${step}() came for an upgrade that is answered already`);
}

function ignore(_unused?: unknown): void {}
