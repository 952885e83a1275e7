import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { UpgradeAnswer } from '../transport.ts';

/** An HTTP answer to a request that is no opening handshake. */
export interface HttpRefusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Shows that a server has understood what it was asked (RFC 6455 §1.3). */
const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const keyPattern = /^[+/0-9A-Za-z]{22}==$/;
const hostPattern = /^(?:\[[0-9A-Fa-f:.]+\]|[-._~%0-9A-Za-z]+)(?::\d{1,5})?$/;
const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
/** A percent sign that escapes nothing, or a NUL. */
const badEscape = /%(?![0-9a-f]{2})|%00/i;
const nothing = Buffer.alloc(0);
/** Of a string, beside its characters. */
const stringBytes = 24;
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * An opening handshake is taken as it came (RFC 6455 §4.1), and what matters of its headers read in one pass. A header
 * that comes twice is the list of both, as HTTP has it, and then no version or key any more; there is one `Host`, and
 * of `Origin` the first counts.
 */
export class UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What came behind the request. */
  readonly head: Buffer;
  host: string | undefined = undefined;
  origin: string | undefined = undefined;
  key: string | undefined = undefined;
  extensions: string | undefined = undefined;
  #upgrade: string | undefined = undefined;
  #version: string | undefined = undefined;
  #protocols: string | undefined = undefined;
  #hasBody = false;
  #hasTwoHosts = false;

  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    this.request = request;
    this.socket = socket;
    // A slice, an empty one too, would keep the whole chunk that was read alive.
    this.head = head.byteLength === 0 ? nothing : Buffer.from(head);
    const { rawHeaders } = request;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      this.#read(rawHeaders[at] as string, rawHeaders[at + 1] as string);
    }
    const { url = '/' } = request;
    // What an absolute target names stands over the Host header; without one it is no HTTP/1.1 all the same.
    if (!url.startsWith('/') && this.host !== undefined) this.host = readAbsolute(url)?.host ?? this.host;
  }

  /** From the path on, where it was absolute too (RFC 9112 §3.2.2). */
  get target(): string {
    const { url = '/' } = this.request;
    return url.startsWith('/') ? url : (readAbsolute(url)?.target ?? url);
  }

  /** Of its headers as Node keeps them: each name and value a string. */
  get headerBytes(): number {
    let bytes = 0;
    for (const text of this.request.rawHeaders) bytes += text.length + stringBytes;
    return bytes;
  }

  /** The path as it came, still escaped, without its query. */
  get path(): string {
    return pathOf(this.target);
  }

  get asksForWebSocket(): boolean {
    return this.#upgrade?.toLowerCase() === 'websocket';
  }

  /**
   * What is wrong with it (RFC 6455 §4.2.1), the first fault found; undefined: nothing.
   * @param knownHost a Host that has passed before, and need not be looked at again
   */
  fault(knownHost?: string): HttpRefusal | undefined {
    const { method } = this.request;
    if (method !== 'GET') {
      return { status: 405, message: `the method is ${method ?? ''}; a handshake is GET`, headers: { Allow: 'GET' } };
    }
    if (this.request.httpVersionMajor === 1 && this.request.httpVersionMinor === 0) {
      return { status: 400, message: 'the request is HTTP/1.0; a handshake is HTTP/1.1' };
    }
    if (!this.asksForWebSocket) return { status: 400, message: 'the Upgrade header is not "websocket"' };
    if (this.host === undefined || this.#hasTwoHosts) {
      return { status: 400, message: 'there is no Host header, or more than one' };
    }
    if (!isPlainTarget(this.target) || !(this.host === knownHost || isPlainHost(this.host))) {
      return { status: 400, message: 'the request target or the Host header is not in plain form' };
    }
    if (this.#version !== '13') {
      return {
        status: this.#version === undefined ? 400 : 426,
        message: 'Sec-WebSocket-Version is not 13',
        headers: { 'Sec-WebSocket-Version': '13' },
      };
    }
    if (this.key === undefined || !keyPattern.test(this.key)) {
      return { status: 400, message: 'Sec-WebSocket-Key is missing, doubled or not 16 bytes in base64' };
    }
    if (this.#hasBody) return { status: 400, message: 'the handshake has a body' };
    if (!areTokens(this.#protocols)) {
      return { status: 400, message: 'Sec-WebSocket-Protocol is empty, doubled or no list of tokens' };
    }
    return undefined;
  }

  /** What opens it (RFC 6455 §4.2.2); it has no fault. */
  agreement({ subprotocol, headers = [] }: UpgradeAnswer): string {
    let text =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${hash('sha1', `${this.key ?? ''}${acceptGuid}`, 'base64')}\r\n`;
    if (subprotocol !== undefined) text += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
    return `${text}\r\n`;
  }

  /** By its length first: most headers of a browser are none of these. */
  #read(name: string, value: string): void {
    switch (name.length) {
      case 4:
        if (isNamed(name, 'host')) {
          this.#hasTwoHosts = this.host !== undefined;
          this.host ??= value;
        }
        break;
      case 6:
        if (isNamed(name, 'origin')) this.origin ??= value;
        break;
      case 7:
        if (isNamed(name, 'upgrade')) this.#upgrade = listed(this.#upgrade, value);
        break;
      case 14:
        if (isNamed(name, 'content-length') && Number(value) > 0) this.#hasBody = true;
        break;
      case 17:
        if (isNamed(name, 'sec-websocket-key')) this.key = listed(this.key, value);
        else if (isNamed(name, 'transfer-encoding')) this.#hasBody = true;
        break;
      case 21:
        if (isNamed(name, 'sec-websocket-version')) this.#version = listed(this.#version, value);
        break;
      case 22:
        if (isNamed(name, 'sec-websocket-protocol')) this.#protocols = listed(this.#protocols, value);
        break;
      case 24:
        if (isNamed(name, 'sec-websocket-extensions')) this.extensions = listed(this.extensions, value);
        break;
      default:
    }
  }
}

const absolute = /^(?:https?|wss?):\/\/(?<host>[^/?#]*)(?<rest>.*)$/i;

/** The parts of a request target that names its server; undefined for anything else. */
function readAbsolute(url: string): { readonly host: string; readonly target: string } | undefined {
  const { host, rest = '' } = absolute.exec(url)?.groups ?? {};
  return host === undefined ? undefined : { host, target: rest.startsWith('/') ? rest : `/${rest}` };
}

export function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

function isNamed(name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

function listed(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/** A name or address and a port, that a URL can be made of: `ws.url` never fails later. */
function isPlainHost(host: string): boolean {
  return hostPattern.test(host) && URL.canParse(`ws://${host}`);
}

/** A path from the root, without what cannot be read and what a URL parser would rewrite: dot segments, escaped or not, and backslashes. */
function isPlainTarget(target: string): boolean {
  if (!target.startsWith('/')) return false;
  // Nearly no path has any of what is looked for: not even its end is then.
  if (!target.includes('\\') && !target.includes('/.') && !target.includes('%')) return true;
  const path = target.split(/[?#]/, 1)[0] as string;
  return !path.includes('\\') && !dotSegment.test(path) && !badEscape.test(path);
}

function areTokens(list: string | undefined): boolean {
  if (list === undefined) return true;
  const tokens = list.split(',').map((token) => token.trim());
  return tokens.every((token) => tokenPattern.test(token)) && new Set(tokens).size === tokens.length;
}
