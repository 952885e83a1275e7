import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { ErrorFrame, HistoryFrame, ResetFrame, RoomFrame } from '../../examples/chat/protocol.ts';

export type ServerFrame = RoomFrame | HistoryFrame | ErrorFrame | ResetFrame | { readonly type: 'pong' };

/** Somebody in the chat, over TCP: every frame is kept until it is asked for. */
export class Visitor implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #frames: ServerFrame[] = [];
  readonly #waiting: ((frame: ServerFrame) => void)[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ServerFrame;
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting(frame);
    });
  }

  /** @param address as in `ws://127.0.0.1:8080` */
  static async enter(
    address: string,
    place: { room: string; username?: string; since?: string },
  ): Promise<{ visitor: Visitor; history: HistoryFrame }> {
    const { room, ...query } = place;
    const socket = new WebSocket(
      `${address}/room/${encodeURIComponent(room)}?${new URLSearchParams(query).toString()}`,
    );
    const visitor = new Visitor(socket);
    await once(socket, 'open');
    return { visitor, history: await visitor.next('history') };
  }

  /** The next frame, whatever it is. */
  async receive(): Promise<ServerFrame> {
    return this.#frames.shift() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next frame of this type; the ones before it are passed over. */
  async next<Type extends ServerFrame['type']>(type: Type): Promise<Extract<ServerFrame, { type: Type }>> {
    for (;;) {
      const frame = await this.receive();
      if (frame.type === type) return frame as Extract<ServerFrame, { type: Type }>;
    }
  }

  /** All until this one chat message, and that one. */
  async until(message: string): Promise<ServerFrame[]> {
    const frames: ServerFrame[] = [];
    for (;;) {
      const frame = await this.receive();
      frames.push(frame);
      if (frame.type === 'chat' && frame.message === message) return frames;
    }
  }

  say(content: string, id?: string): void {
    this.sendRaw(JSON.stringify({ type: 'message', content, id }));
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  async leave(): Promise<void> {
    this.#socket.close(1000);
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState !== WebSocket.CLOSED) await this.leave();
  }
}

/** What a refused handshake is answered with. */
export async function refusalOf(url: string): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(url);
  const [, response] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  socket.on('error', () => {}).terminate();
  return { status: response.statusCode, body };
}
