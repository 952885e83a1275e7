import { WebSocketConsumer, type FrameError, type HistoryPage, type PayloadType, type WebSocket } from 'channelbox';
import type { Attendance, Attendee } from './attendance.ts';
import {
  bounds,
  cleanName,
  clientFrame,
  formatPosition,
  parsePosition,
  roomFrame,
  type ChatMessage,
  type ClientFrame,
  type ErrorFrame,
  type HistoryFrame,
  type Notice,
  type Person,
  type ResetFrame,
} from './protocol.ts';

export interface ChatRoomOptions {
  readonly attendance: Attendance;
  /** Messages that a newcomer is shown. */
  readonly historyMax: number;
  /** Messages that somebody who was away may catch up on. */
  readonly resumeMax: number;
  /** Rooms with more people than this are counted, not listed. */
  readonly peopleMax: number;
  /** The room is on several nodes, so that its box counts the people. */
  readonly isShared: boolean;
}

/**
 * One person in one room: the "Complete Chat Room" of the Nexios documents.
 *
 * A client opens `/room/{room}?username=ann`, and `&since=<position>` where it was there before. It is sent the history,
 * then every message and notice of the room. What it sends is a `ClientFrame`.
 */
export class ChatRoom extends WebSocketConsumer<ClientFrame, { readonly room: string }> implements Attendee {
  override readonly encoding: PayloadType = 'json';
  override readonly schema: typeof clientFrame = clientFrame;
  /** Who only listens may stay: heartbeats tell who has gone. */
  override readonly expires: null = null;
  readonly #options: ChatRoomOptions;
  #user: string = 'anonymous';
  #hasEntered: boolean = false;

  constructor(options: ChatRoomOptions) {
    super();
    this.#options = options;
  }

  override async onConnect(ws: WebSocket<{ readonly room: string }>): Promise<void> {
    const { room } = ws.params;
    const user = cleanName(ws.query.get('username') ?? '') || this.#user;
    if (user.length > bounds.userMax) return ws.deny(refusal(`a username has at most ${bounds.userMax} characters`));
    if (room.length > bounds.roomMax) return ws.deny(refusal(`a room's name has at most ${bounds.roomMax} characters`));
    await ws.accept();
    this.#user = user;
    await this.channel.setMetadata({ user });
    const { historyMax, resumeMax } = this.#options;
    const since = parsePosition(ws.query.get('since'));
    await this.resumeGroup(room, {
      since,
      limit: since === undefined ? historyMax : resumeMax,
      first: (page) => this.#welcome(room, page),
    });
    await this.#announce('joined', room);
  }

  override async onReceive(ws: WebSocket<{ readonly room: string }>, frame: ClientFrame): Promise<void> {
    if (frame.type === 'ping') {
      await this.send({ type: 'pong' });
      return;
    }
    const message: ChatMessage = {
      type: 'chat',
      user: this.#user,
      member: this.channel.uuid,
      message: frame.content,
      timestamp: this.#timestamp,
      ...(frame.id === undefined ? {} : { id: frame.id }),
    };
    await this.broadcast(message, ws.params.room, { saveHistory: true });
  }

  /** What is only wrong is answered; what is no text at all ends the connection, as by default. */
  override async onInvalid(ws: WebSocket<{ readonly room: string }>, error: FrameError): Promise<void> {
    if (error.kind !== 'bad-json' && error.kind !== 'refused-by-schema') {
      await super.onInvalid(ws, error);
      return;
    }
    const answer: ErrorFrame = { type: 'error', code: error.kind, message: error.message };
    await this.send(answer);
  }

  override async onDisconnect(ws: WebSocket<{ readonly room: string }>): Promise<void> {
    if (!this.#hasEntered) return;
    const { room } = ws.params;
    this.#options.attendance.leave(room, this);
    await this.#announce('left', room);
  }

  /** Messages of the room were lost on the way to this node: the page is to come again, and to show the gap. */
  reset(): void {
    const frame: ResetFrame = { type: 'reset' };
    // Whoever has gone meanwhile needs it no more.
    void this.send(frame).catch(() => {});
  }

  get #timestamp(): number {
    return this.websocket.app.clock.now() / 1000;
  }

  /** Until it is sent, the room's frames wait: so the list of people and the notices that follow it fit together. */
  async #welcome(room: string, { messages, recovered, position }: HistoryPage): Promise<void> {
    const { attendance, peopleMax } = this.#options;
    attendance.enter(room, this);
    this.#hasEntered = true;
    const users = await this.#count(room);
    const page: HistoryFrame = {
      type: 'history',
      messages: messages.map(roomFrame),
      recovered,
      position: formatPosition(position),
      users,
      member: this.channel.uuid,
    };
    await this.send(users > peopleMax ? page : { ...page, people: await this.#people(room) });
  }

  async #count(room: string): Promise<number> {
    const { attendance, isShared } = this.#options;
    return isShared ? (await this.group(room)).length : attendance.count(room);
  }

  async #people(room: string): Promise<Person[]> {
    const members = await this.group(room);
    return members.map(({ uuid, metadata }) => ({ member: uuid, user: String(metadata['user']) }));
  }

  async #announce(event: Notice['event'], room: string): Promise<void> {
    const notice: Notice = {
      type: 'system',
      message: `${this.#user} ${event} the chat`,
      timestamp: this.#timestamp,
      users: await this.#count(room),
      event,
      user: this.#user,
      member: this.channel.uuid,
    };
    await this.broadcast(notice, room);
  }
}

function refusal(why: string): Response {
  return new Response(`${why}\n`, { status: 400, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
