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

/** It drops everybody once, after so many messages, and then leaves so many out of what it gives back: different ones. */
export async function openFeed(options: { losesOnReturn: number; dropsAfter: number }): Promise<FeedServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const members = new Set<WebSocket>();
  const history: Entry[] = [];
  const left = new Set<Entry>();
  let lost = 0;
  const isLeftOut = (entry: Entry): boolean => {
    if (lost >= options.losesOnReturn || left.has(entry)) return false;
    left.add(entry);
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
      if (position === options.dropsAfter) for (const member of members) member.terminate();
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
