import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { decodeStamp, emptyStamp, stampLength } from '../../load/ledger/stamp.ts';

/** A server of the json adapter's protocol, on plain `ws`, that sins on order and keeps a list of it. */
export interface RoomServer extends AsyncDisposable {
  readonly url: string;
  readonly sins: Sins;
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

export type Fault = 'drop' | 'duplicate' | 'leak' | 'flip' | 'swap' | { readonly delayMs: number };

export interface RoomServerOptions {
  /** What to do with the n-th delivery of what was sent after everybody had joined; undefined: what is right. */
  fault?(delivery: number): Fault | undefined;
  /** How many clients everybody is. */
  clients?: number;
  /** What happens to each connection beside the protocol. */
  onConnection?(socket: WebSocket, number: number): void;
  /** Connections that are turned away with 503. */
  refuses?(number: number): boolean;
}

interface Member {
  readonly socket: WebSocket;
  readonly room: string;
  /** By sender: a delivery that goes out behind the next one of the same sender. */
  readonly held: Map<string, string>;
  hasSpoken: boolean;
}

interface Delivery {
  readonly sender: string;
  readonly mayFail: boolean;
}

export async function openRoomServer(options: RoomServerOptions = {}): Promise<RoomServer> {
  const sins: Sins = { dropped: 0, duplicated: 0, swapped: 0, leaked: 0, flipped: 0, delayed: 0 };
  const rooms = new Map<string, Set<Member>>();
  let requests = 0;
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    verifyClient: (_info, answer) => {
      requests += 1;
      answer(options.refuses?.(requests) !== true, 503);
    },
  });
  let connections = 0;
  let deliveries = 0;
  let speakers = 0;
  let calmFromUs = 0;
  const stamp = emptyStamp();

  /** Who speaks has read its acknowledgement; what is sent after everybody spoke is expected by all of its room. */
  const isCalm = (member: Member, text: string): boolean => {
    const at = text.indexOf('~c');
    if (at < 0 || !decodeStamp(text.slice(at, at + stampLength), stamp)) return false;
    const sentUs = stamp.intendedUs + stamp.latenessUs;
    if (!member.hasSpoken) {
      member.hasSpoken = true;
      speakers += 1;
      calmFromUs = Math.max(calmFromUs, sentUs);
    }
    return speakers === options.clients && sentUs > calmFromUs;
  };

  const deliver = (member: Member, text: string, { sender, mayFail }: Delivery): void => {
    const { socket, held } = member;
    const earlier = held.get(sender);
    if (earlier !== undefined) {
      held.delete(sender);
      sins.swapped += 1;
      socket.send(text);
      socket.send(earlier);
      return;
    }
    if (mayFail) deliveries += 1;
    const fault = mayFail ? options.fault?.(deliveries) : undefined;
    if (fault === 'swap') held.set(sender, text);
    else if (fault === 'drop') sins.dropped += 1;
    else if (fault === 'flip') socket.send(flip(text, sins.flipped++ % 37));
    else if (typeof fault === 'object') {
      sins.delayed += 1;
      setTimeout(() => socket.send(text), fault.delayMs);
    } else {
      socket.send(text);
      if (fault === 'duplicate') {
        sins.duplicated += 1;
        socket.send(text);
      } else if (fault === 'leak') leak(rooms, member.room, text, sins);
    }
  };

  server.on('connection', (socket) => {
    let member: Member | undefined;
    connections += 1;
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const text = (data as Buffer).toString();
      const event = JSON.parse(text) as { type: string; room: string; data?: { stamp: string } };
      if (event.type === 'join') {
        member = { socket, room: event.room, held: new Map(), hasSpoken: false };
        rooms.set(event.room, (rooms.get(event.room) ?? new Set()).add(member));
        socket.send(JSON.stringify({ type: 'joined', room: event.room }));
      } else {
        const sender = event.data?.stamp.slice(6, 10) ?? '';
        const mayFail = member !== undefined && isCalm(member, text);
        for (const other of rooms.get(event.room) ?? []) deliver(other, text, { sender, mayFail });
      }
    });
    socket.on('close', () => {
      if (member === undefined) return;
      rooms.get(member.room)?.delete(member);
      sins.dropped += member.held.size;
    });
    options.onConnection?.(socket, connections);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sins,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One character of the stamp becomes another of the same alphabet. */
function flip(text: string, at: number): string {
  const start = text.indexOf('~c') + at;
  return text.slice(0, start) + (text[start] === 'A' ? 'B' : 'A') + text.slice(start + 1);
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
