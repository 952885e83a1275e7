import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** A server of the json adapter's protocol with faults on order, which keeps a list of its sins. */
export interface RoomServer extends AsyncDisposable {
  readonly url: string;
  readonly sins: Sins;
  readonly clients: number;
}

/** What the server did wrong, counted in deliveries. */
export interface Sins {
  dropped: number;
  duplicated: number;
  swapped: number;
  leaked: number;
  flipped: number;
  delayed: number;
}

/** Called for each delivery of a message that counts; says what to do with it. `number`: the n-th of its kind. */
export type Fault = 'drop' | 'duplicate' | 'leak' | 'flip' | { readonly delayMs: number } | 'swap' | undefined;

export interface RoomServerOptions {
  fault?(delivery: number): Fault;
  /** Which character of the stamp a flip changes. */
  flipAt?(delivery: number): number;
}

interface Member {
  readonly socket: WebSocket;
  readonly room: string;
  /** By sender: a delivery that waits for the next one of the same sender, to go out behind it. */
  readonly held: Map<string, string>;
}

export async function openRoomServer(options: RoomServerOptions = {}): Promise<RoomServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  const rooms = new Map<string, Set<Member>>();
  const sins: Sins = { dropped: 0, duplicated: 0, swapped: 0, leaked: 0, flipped: 0, delayed: 0 };
  let deliveries = 0;
  const deliver = (member: Member, text: string, sender: string): void => {
    deliveries += 1;
    const fault = options.fault?.(deliveries);
    const held = member.held.get(sender);
    if (fault === 'drop') sins.dropped += 1;
    else if (fault === 'swap' && held === undefined) {
      member.held.set(sender, text);
      return;
    } else if (fault === 'duplicate') {
      sins.duplicated += 1;
      member.socket.send(text);
      member.socket.send(text);
    } else if (fault === 'flip') {
      sins.flipped += 1;
      member.socket.send(flip(text, options.flipAt?.(sins.flipped) ?? 0));
    } else if (typeof fault === 'object') {
      sins.delayed += 1;
      setTimeout(() => member.socket.send(text), fault.delayMs);
    } else {
      member.socket.send(text);
      if (fault === 'leak') leak(rooms, member.room, text, sins);
    }
    if (held === undefined) return;
    member.held.delete(sender);
    sins.swapped += 1;
    member.socket.send(held);
  };
  server.on('connection', (socket) => {
    let member: Member | undefined;
    socket.on('message', (data) => {
      const text = String(data);
      const event = JSON.parse(text) as { type: string; room: string; data?: { stamp: string } };
      if (event.type === 'join') {
        member = { socket, room: event.room, held: new Map() };
        rooms.set(event.room, (rooms.get(event.room) ?? new Set()).add(member));
        socket.send(JSON.stringify({ type: 'joined', room: event.room }));
      } else {
        const sender = event.data?.stamp.slice(6, 10) ?? '';
        for (const other of rooms.get(event.room) ?? []) deliver(other, text, sender);
      }
    });
    socket.on('close', () => member !== undefined && rooms.get(member.room)?.delete(member));
    socket.on('error', () => undefined);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sins,
    get clients() {
      return server.clients.size;
    },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One character of the stamp becomes another of the same alphabet. */
function flip(text: string, at: number): string {
  const start = text.indexOf('~c') + at;
  const digit = text[start] === 'A' ? 'B' : 'A';
  return text.slice(0, start) + digit + text.slice(start + 1);
}

function leak(rooms: ReadonlyMap<string, ReadonlySet<Member>>, from: string, text: string, sins: Sins): void {
  for (const [room, members] of rooms) {
    const [first] = members;
    if (room === from || first === undefined) continue;
    sins.leaked += 1;
    first.socket.send(text);
    return;
  }
}
