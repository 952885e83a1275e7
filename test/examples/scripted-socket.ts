/** The page's own client, loaded as the browser loads it, on sockets whose other end is the test. */
import { ManualClock } from '../manual-clock.ts';

export interface ShownFrame {
  readonly type: 'chat' | 'system';
  readonly user: string;
  readonly message: string;
}

export interface Outgoing {
  readonly id: string;
  readonly text: string;
  readonly state: 'unsent' | 'sent' | 'refused';
  readonly reason?: string;
}

interface ChatClient {
  start(): void;
  stop(): void;
  send(text: string): void;
  discard(id: string): void;
  check(): void;
}

// The page is plain JavaScript without declarations; its types are checked in the browser's terms, by its own jsconfig.
const file = new URL('../../examples/chat/page/chat-client.js', import.meta.url).href;
const page = (await import(/* @vite-ignore */ file)) as { readonly ChatClient: new (options: object) => ChatClient };

export class ScriptedSocket extends EventTarget {
  readonly url: URL;
  readonly sent: Record<string, unknown>[] = [];
  isClosed = false;

  constructor(url: string) {
    super();
    this.url = new URL(url);
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The server sends. */
  receive(frame: object): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }

  /** The connection ends. */
  end(code = 1006): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }
}

/** One page in a room, and all that it showed. */
export class ScriptedPage {
  readonly clock: ManualClock = new ManualClock();
  readonly sockets: ScriptedSocket[] = [];
  readonly shown: string[] = [];
  readonly connections: string[] = [];
  gaps = 0;
  outbox: readonly Outgoing[] = [];
  people: readonly string[] | undefined = undefined;
  members: readonly string[] = [];
  users = 0;
  random = 0.5;
  readonly client: ChatClient;

  constructor(
    options: { unsent?: readonly { id: string; text: string }[]; members?: readonly string[]; room?: string } = {},
  ) {
    const { sockets, clock } = this;
    let ids = 0;
    this.client = new page.ChatClient({
      address: 'ws://server.test',
      room: 'r',
      user: 'ann',
      ...options,
      listener: {
        connection: (connection: string, code?: number) => this.connections.push(`${connection} ${code ?? ''}`.trim()),
        frames: (frames: readonly ShownFrame[], { isGap }: { isGap: boolean }) => {
          if (isGap) this.gaps += 1;
          this.shown.push(...frames.map(({ message }) => message));
        },
        people: (people: readonly { user: string; isOwn: boolean }[] | undefined, users: number) => {
          this.people = people?.map(({ user, isOwn }) => (isOwn ? `${user} (you)` : user));
          this.users = users;
        },
        members: (members: readonly string[]) => (this.members = members),
        outbox: (outbox: readonly Outgoing[]) => (this.outbox = outbox),
      },
      surroundings: {
        WebSocket: class extends ScriptedSocket {
          constructor(url: string) {
            super(url);
            sockets.push(this);
          }
        },
        setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, ms),
        clearTimeout: (timer: never) => clock.clearTimeout(timer),
        now: () => clock.monotonic(),
        random: () => this.random,
        newId: () => `id-${(ids += 1)}`,
      },
    });
    this.client.start();
  }

  get socket(): ScriptedSocket {
    return this.sockets.at(-1) as ScriptedSocket;
  }

  /** The server greets, as it does on every connection. */
  welcome(page: object = {}): ScriptedSocket {
    const history = {
      type: 'history',
      messages: [],
      recovered: true,
      position: 'e:0',
      users: 1,
      member: 'm-own',
      people: [],
    };
    this.socket.receive({ ...history, ...page });
    return this.socket;
  }
}

export function chat(offset: number, message: string, more: object = {}): object {
  return { type: 'chat', user: 'bob', member: 'm-bob', message, timestamp: offset, position: `e:${offset}`, ...more };
}

/** What this page itself wrote, as it comes back. */
export function own(offset: number, message: string, id: string): object {
  return chat(offset, message, { user: 'ann', member: 'm-own', id });
}

export function notice(event: 'joined' | 'left', user: string, users: number): object {
  const message = `${user} ${event} the chat`;
  return { type: 'system', event, user, member: `m-${user}`, message, users, timestamp: 0 };
}
