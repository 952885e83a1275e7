import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { App, WebSocketDisconnect, type Logger } from 'channelbox';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';

const silent = (): void => {};

test.each(['destroy', 'end', 'resetAndDestroy'] as const)(
  'a socket on which somebody else calls %s in the turn of a send ends with 1006, and nothing else happens',
  async (how) => {
    const told: unknown[] = [];
    const tell = (...words: unknown[]): void => void told.push(words);
    const logger: Logger = { debug: silent, info: silent, warn: tell, error: tell };
    const sockets: Socket[] = [];
    const app = new App({ logger });
    const over = new Promise<unknown[]>((resolve) => {
      app.wsRoute('/x', async (ws) => {
        await ws.accept();
        await ws.receive();
        sockets[0]?.[how]();
        const outcomes = [await ws.sendText('a'), await ws.sendText('b')];
        const error = await ws.receive().catch((reason: unknown) => reason);
        resolve([...outcomes, error instanceof WebSocketDisconnect && error.code, await ws.sendText('c')]);
      });
    });
    const server = createServer().on('connection', (socket: Socket) => sockets.push(socket));
    app.attach(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
    client.on('error', silent);
    const closed = once(client, 'close');
    await once(client, 'open');
    client.send('go');

    expect(await over).toEqual(['sent', 'sent', 1006, 'closed']);
    await closed;
    expect(told).toEqual([]);
    server.close();
  },
);
