import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** A server with one room whose messages have positions, and that gives back what came behind a position. */
export interface FeedServer extends AsyncDisposable {
  readonly url: string;
  /** Deliveries that it kept to itself. */
  readonly lost: number;
}

interface Entry {
  readonly position: number;
  readonly text: string;
}

/**
 * It drops everybody once, when all are there and so many messages have come, and then leaves so many out of what it gives
 * back: of those only that came after the drop, since what was under way then is nobody's to judge.
 */
export async function openFeed(options: {
  clients: number;
  losesOnReturn: number;
  dropsAfter: number;
}): Promise<FeedServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const members = new Set<WebSocket>();
  const history: Entry[] = [];
  let droppedAt = Infinity;
  let lost = 0;
  const isLeftOut = ({ position }: Entry): boolean => {
    if (lost >= options.losesOnReturn || position <= droppedAt) return false;
    lost += 1;
    return true;
  };
  server.on('connection', (socket, { url = '/' }) => {
    socket.on('error', () => undefined);
    socket.send(JSON.stringify({ type: 'joined', position: history.length }));
    const since = new URL(url, 'ws://host').searchParams.get('since');
    for (const entry of since === null ? [] : history.slice(Number(since)))
      if (!isLeftOut(entry)) socket.send(entry.text);
    members.add(socket);
    socket.on('close', () => members.delete(socket));
    socket.on('message', (data: Buffer) => {
      const position = history.length + 1;
      const entry = { position, text: JSON.stringify({ type: 'message', position, stamp: data.toString() }) };
      history.push(entry);
      for (const member of members) member.send(entry.text);
      if (droppedAt < Infinity || position < options.dropsAfter || members.size < options.clients) return;
      droppedAt = position;
      for (const member of members) member.terminate();
    });
  });
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
