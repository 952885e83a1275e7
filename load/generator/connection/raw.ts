import { createHash } from 'node:crypto';
import * as net from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DialedConnection, ConnectionOwner, DialOptions, ReceivedMessage } from './connection.ts';
import { deflatedFrame, FrameReader, maskedFrame } from './raw-frame.ts';

/** One key for all: nothing is cached by a proxy on the strength of a load test, and the answer need be worked out once. */
const key = Buffer.from('channelbox loads').toString('base64');
const acceptance = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const headBytesMax = 65_536;

/** RFC 7692 §7.1.1: each message by itself, so that a connection needs no memory for those before. */
const deflateOffer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** All sockets of the process read into the same memory, since each read is taken in before the next. */
const sharedBuffer = Buffer.allocUnsafeSlow(65_536);

interface RawSocket extends net.Socket {
  channelboxOwner?: RawConnection;
}

/** Opens a WebSocket with as little as the protocol allows: a constant mask, no compression, one object beside the socket. */
export function dialRaw(options: DialOptions, owner: ConnectionOwner): DialedConnection {
  return new RawConnection(options, owner);
}

class RawConnection implements DialedConnection {
  readonly #owner: ConnectionOwner;
  readonly #socket: RawSocket;
  #state: 'upgrading' | 'open' | 'ended' = 'upgrading';
  #isPaused: boolean = false;
  /** The server's answer took up the offer. */
  #deflates: boolean = false;
  #hasSentClose: boolean = false;
  /** That of the server's close frame; without one the connection was lost. */
  #closeCode: number = 1006;
  /** What has come of the answer's head, or of a frame that is not complete. */
  #rest: Buffer | undefined;
  #reader: FrameReader | undefined;

  constructor(options: DialOptions, owner: ConnectionOwner) {
    this.#owner = owner;
    const socket = connect(options, onRead) as RawSocket;
    this.#socket = socket;
    socket.channelboxOwner = this;
    socket.setNoDelay(true);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    socket.write(requestHead(options), 'latin1');
  }

  send(data: string | Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#socket.write(this.#deflates ? deflatedFrame(data) : maskedFrame(data));
  }

  close(code: number): void {
    if (this.#state !== 'open') return this.terminate();
    const body = Buffer.allocUnsafe(2);
    body.writeUInt16BE(code);
    this.#hasSentClose = true;
    this.#socket.write(maskedFrame(body, 0x8));
  }

  terminate(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** False stops the socket's reading. */
  readBytes(bytes: Buffer): boolean {
    if (this.#state === 'open') this.#readFrames(bytes);
    else if (this.#state === 'upgrading') this.#readHead(bytes);
    return !this.#isPaused;
  }

  failed(error: NodeJS.ErrnoException): void {
    if (this.#state !== 'upgrading') return;
    this.#state = 'ended';
    this.#owner.refused(error.code ?? 'error', error.message);
  }

  ended(): void {
    if (this.#state === 'upgrading') {
      this.#state = 'ended';
      this.#owner.refused('ECONNRESET', 'the connection ended before the upgrade was answered');
    } else if (this.#state === 'open') {
      this.#state = 'ended';
      this.#owner.closed(this.#closeCode);
    }
  }

  #readHead(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd < 0) {
      if (bytes.length > headBytesMax) return this.#refuse('bad-handshake', 'the head of the answer passes 64 KiB');
      this.#rest = Buffer.from(bytes);
      return;
    }
    this.#rest = undefined;
    const head = bytes.toString('latin1', 0, headEnd);
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (status === undefined) return this.#refuse('bad-handshake', `the answer is no HTTP/1.1: ${head.slice(0, 80)}`);
    if (status !== '101')
      return this.#refuse(`http-${status}`, `the upgrade was answered with ${head.slice(9, head.indexOf('\r\n'))}`);
    if (!head.includes(acceptance)) return this.#refuse('bad-handshake', 'Sec-WebSocket-Accept is missing or wrong');
    this.#deflates = /^sec-websocket-extensions:.*permessage-deflate/im.test(head);
    this.#state = 'open';
    this.#reader = undefined;
    this.#owner.opened();
    if (bytes.length > headEnd + 4) this.#readFrames(bytes.subarray(headEnd + 4));
  }

  #readFrames(bytes: Buffer): void {
    this.#reader ??= new FrameReader(this.#deflates);
    this.#reader.read(bytes, this);
  }

  // What the reader hands over.

  message(message: ReceivedMessage): void {
    if (this.#state === 'open') this.#owner.frame(message);
  }

  ping(payload: Buffer): void {
    if (this.#state === 'open') this.#socket.write(maskedFrame(payload, 0xa));
  }

  closeFrame(payload: Buffer): void {
    this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    if (this.#state !== 'open') return;
    // The answer to ours is the last word; to the server's own, ours is.
    if (this.#hasSentClose) this.#socket.end();
    else this.#socket.end(maskedFrame(payload.subarray(0, 2), 0x8));
  }

  broken(): void {
    this.#closeCode = 1006;
    this.#socket.destroy();
  }

  #refuse(kind: string, message: string): void {
    this.#state = 'ended';
    this.#owner.refused(kind, message);
    this.#socket.destroy();
  }
}

// One function for all sockets: Node calls each with the socket as `this`.

function onRead(this: unknown, count: number, buffer: Uint8Array): boolean {
  const owner = (this as RawSocket).channelboxOwner;
  return owner?.readBytes(Buffer.from(buffer.buffer, buffer.byteOffset, count)) ?? true;
}

function onData(this: RawSocket, chunk: Buffer): void {
  this.channelboxOwner?.readBytes(chunk);
}

function onError(this: RawSocket, error: NodeJS.ErrnoException): void {
  this.channelboxOwner?.failed(error);
}

function onEnd(this: RawSocket): void {
  this.destroy();
}

function onClose(this: RawSocket): void {
  this.channelboxOwner?.ended();
}

function connect({ url, address, localAddress, tls }: DialOptions, callback: net.OnReadOpts['callback']): net.Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isSecure = url.protocol === 'wss:';
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  const source = localAddress === undefined ? {} : { localAddress };
  if (isSecure) {
    return connectTls({
      host: address,
      port,
      servername: tls?.servername ?? (net.isIP(host) === 0 ? host : ''),
      ...(tls === undefined ? {} : { secureContext: tls.context, rejectUnauthorized: !tls.insecure }),
      ...source,
    }).on('data', onData);
  }
  return net.connect({ host: address, port, ...source, onread: { buffer: sharedBuffer, callback } });
}

function requestHead({ url, subprotocols, headers, compression }: DialOptions): string {
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  if (subprotocols !== undefined) lines.push(`Sec-WebSocket-Protocol: ${subprotocols.join(', ')}`);
  if (compression) lines.push(`Sec-WebSocket-Extensions: ${deflateOffer}`);
  if (headers !== undefined) for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
