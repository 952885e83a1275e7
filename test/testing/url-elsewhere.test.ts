/** `testUrl` against servers that are not channelbox. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testUrl, type TestTarget } from 'channelbox/testing';
import { Server as SocketIoServer } from 'socket.io';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function listening(server: Server): Promise<TestTarget> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const target = testUrl(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  ends.push(() => target.close());
  return target;
}

describe('a plain ws server', () => {
  /** Tells all its clients what one says, and denies those it does not know. */
  async function broadcasting(): Promise<TestTarget> {
    const server = createServer();
    const sockets = new WebSocketServer({
      server,
      handleProtocols: (offered) => [...offered].at(-1) ?? false,
      verifyClient: ({ req }, answer) => answer(req.headers['x-card'] === 'member', 401, 'card, please'),
    });
    sockets.on('connection', (socket, request) => {
      socket.send(JSON.stringify({ welcome: request.url }));
      socket.on('message', (data, isBinary) => {
        const text = (data as Buffer).toString();
        if (text === 'bye') return socket.close(4001, 'as you wish');
        if (text === 'crash') return socket.terminate();
        for (const each of sockets.clients) each.send(data, { binary: isBinary });
      });
    });
    ends.push(() => {
      sockets.close();
      server.close();
    });
    return listening(server);
  }
  const headers = { 'x-card': 'member' };

  test('frames of both kinds, a query, a subprotocol', async () => {
    const target = await broadcasting();
    const [ann, bob] = await target.connectAll(2, '/room', { headers, query: { a: '1' }, subprotocols: ['v1', 'v2'] });
    expect(ann.subprotocol).toBe('v2');
    await ann.expect({ welcome: '/room?a=1' });
    await bob.expect({ welcome: '/room?a=1' });
    ann.sendJson({ hi: true });
    ann.sendBytes(new Uint8Array([1, 2]));
    await bob.expectSequence([{ hi: true }, new Uint8Array([1, 2])]);
    await bob.expectNothing({ for: 20 });
  });

  test('denials and closes', async () => {
    const target = await broadcasting();
    expect(await target.handshake('/')).toMatchObject({ kind: 'denied', status: 401, body: 'card, please' });
    const [ann, bob] = await target.connectAll(2, '/', { headers });
    ann.send('bye');
    await ann.expectClosed({ code: 4001, reason: 'as you wish', wasClean: true });
    bob.send('crash');
    await bob.expectClosed({ code: 1006, wasClean: false });
  });

  test('a wait that fails says what happened', async () => {
    const target = await broadcasting();
    const ann = await target.connect('/', { headers, name: 'ann' });
    await expect(ann.expect({ welcome: '/other' })).rejects.toThrow('frame 1 of ann is not what was expected');
    await ann.expect({ welcome: '/' });
    await expect(ann.expect('more', { within: 20 })).rejects.toThrow('within 20 ms');
  });
});

describe("Socket.IO's WebSocket transport", () => {
  /** Engine.IO's packet 4 is a message, Socket.IO's 0 a connect and 2 an event: `42["name",…]`. */
  const event = (name: string, ...data: unknown[]): string => `42${JSON.stringify([name, ...data])}`;

  test('its own frames are texts like any others', async () => {
    const server = createServer();
    const io = new SocketIoServer(server, { transports: ['websocket'], pingInterval: 60_000 });
    io.on('connection', (socket) => {
      void socket.join('room');
      socket.on('say', (words: string, answer: (to: string) => void) => {
        io.to('room').emit('said', words);
        answer('noted');
      });
    });
    ends.push(() => io.close());
    const target = await listening(server);
    const clients = await target.connectAll(2, '/socket.io/', { query: { EIO: '4', transport: 'websocket' } });
    for (const client of clients) {
      await client.expect(/^0\{"sid":/);
      client.send('40');
      await client.expect(/^40\{"sid":/);
    }
    const [ann, bob] = clients;
    ann.send('420["say","hi"]');
    await bob.expect(event('said', 'hi'));
    await ann.expectUnordered([event('said', 'hi'), '430["noted"]']);
    await bob.expectNothing({ for: 20 });
  });
});
