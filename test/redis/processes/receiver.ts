import { WebSocket } from 'ws';
import type { Missed, Position } from 'channelbox';
import type { Books, ReceiverBook, Said } from './books.ts';
import type { NodeProcess } from './node-process.ts';

const openMax = 60;
const retryMs = 50;
const handshakeMs = 1_500;

type Frame =
  | {
      readonly type: 'page';
      readonly messages: readonly { id: string; position: Position }[];
      readonly recovered: boolean;
      readonly position: Position;
      readonly member: string;
    }
  | { readonly type: 'missed'; readonly what: Missed }
  | { readonly type: 'acked'; readonly id: string; readonly position?: Position; readonly costMs: number }
  | {
      readonly type: 'refused';
      readonly id: string;
      readonly delivered: 'not-sent' | 'unknown';
      readonly code: string;
      readonly costMs: number;
    }
  | { readonly type: 'order'; readonly id: string }
  | { readonly type?: undefined; readonly id: string; readonly position?: Position };

/** What all receivers of a run share. */
export interface Audience {
  readonly books: Books;
  /** Of the processes that may be connected to, the next one. */
  choose(other: NodeProcess | undefined): NodeProcess | undefined;
  /** An order came to a member. */
  ordered(id: string): void;
}

/** One member of a room, who comes back to another process with its last position whenever its connection goes. */
export class Receiver {
  readonly book: ReceiverBook;
  readonly #audience: Audience;
  readonly #name: number;
  readonly #open = new Map<string, Said>();
  #socket: WebSocket | undefined;
  #connections = 0;
  #said = 0;
  #isOver = false;
  /** Its id as a member, once its page has come. */
  member: string | undefined = undefined;
  node: NodeProcess | undefined = undefined;

  constructor(audience: Audience, name: number, book: ReceiverBook) {
    this.#audience = audience;
    this.#name = name;
    this.book = book;
  }

  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  connect(): void {
    const node = this.#audience.choose(this.node);
    if (node === undefined) return this.#later();
    const since = this.book.position;
    const query = since === undefined ? '' : `?epoch=${since.epoch}&offset=${since.offset}`;
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/room/${this.book.room}${query}`, {
      handshakeTimeout: handshakeMs,
    });
    const askedMs = performance.now();
    this.#socket = socket;
    this.node = node;
    this.#connections += 1;
    socket.on('error', () => {});
    socket.on('close', () => this.#closed(socket));
    socket.on('message', (data: Buffer) => {
      if (this.#socket === socket) this.#received(JSON.parse(data.toString()) as Frame, { since, askedMs });
    });
  }

  /** @param room its own, or one that it is no member of */
  say(room: string, isSaved: boolean, isKeyed: boolean, pad?: string): void {
    if (this.member === undefined || this.#open.size >= openMax) return;
    this.#said += 1;
    const id = `${this.#name}:${this.#said}`;
    const said: Said = {
      id,
      room,
      by: `${this.#name}.${this.#connections}`,
      number: this.#said,
      isSaved,
      atMs: performance.now(),
      outcome: 'open',
      position: undefined,
      ackedMs: undefined,
      costMs: 0,
      code: undefined,
      isAgain: false,
    };
    this.#audience.books.said.set(id, said);
    this.#open.set(id, said);
    this.#send(said, isKeyed && isSaved ? id : undefined, pad);
  }

  /** Leaves its process for another one, as somebody whose train goes through a tunnel. */
  hop(): void {
    this.#socket?.terminate();
  }

  end(): void {
    this.#isOver = true;
    this.#socket?.terminate();
  }

  readonly #keyed = new Set<string>();

  #send({ id, room, isSaved }: Said, key?: string, pad?: string): void {
    if (key !== undefined) this.#keyed.add(id);
    this.#socket?.send(JSON.stringify({ say: id, to: room, isSaved, ...(key && { key }), ...(pad && { pad }) }));
  }

  #received(frame: Frame, asked: { since: Position | undefined; askedMs: number }): void {
    const nowMs = performance.now();
    switch (frame.type) {
      case 'page':
        this.member = frame.member;
        this.book.page(frame, { ...asked, nowMs });
        // With its key it may be said again: whether it was taken is not known.
        for (const said of this.#open.values()) {
          said.isAgain = true;
          this.#send(said, said.id);
        }
        return;
      case 'missed':
        return this.book.tell(frame.what, nowMs);
      case 'order':
        return this.#audience.ordered(frame.id);
      case 'acked':
      case 'refused':
        return this.#answered(frame, nowMs);
      case undefined:
        return this.book.hear(frame.id, frame.position);
    }
  }

  #answered(frame: Extract<Frame, { type: 'acked' | 'refused' }>, nowMs: number): void {
    const said = this.#open.get(frame.id);
    if (said === undefined) return;
    this.#open.delete(frame.id);
    this.#keyed.delete(frame.id);
    said.costMs = frame.costMs;
    if (frame.type === 'acked') {
      said.outcome = 'acked';
      said.position = frame.position;
      said.ackedMs = nowMs;
    } else {
      // Of the first attempt nothing is known, whatever became of the second.
      said.outcome = said.isAgain ? 'unknown' : frame.delivered;
      said.code = frame.code;
    }
  }

  #closed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.member = undefined;
    for (const [id, said] of this.#open) {
      if (this.#keyed.has(id) && !this.#isOver) continue;
      said.outcome = 'unknown';
      this.#open.delete(id);
    }
    if (!this.#isOver) this.#later();
  }

  #later(): void {
    setTimeout(() => {
      if (!this.#isOver && this.#socket === undefined) this.connect();
    }, retryMs);
  }
}
