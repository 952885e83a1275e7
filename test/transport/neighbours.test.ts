import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { App, type AppOptions } from 'channelbox';
import { Server as SocketIo } from 'socket.io';
import { WebSocket as Client, WebSocketServer } from 'ws';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A server that others share, and everything that was opened on it. */
class Neighbourhood implements AsyncDisposable {
  readonly server: Server;
  readonly apps: App[] = [];
  readonly warnings: string[] = [];
  readonly #ends: (() => unknown)[] = [];

  constructor(http: RequestListener = (_request, response) => void response.end('plain')) {
    this.server = createServer(http);
  }

  /** An app with a route that answers each frame with the app's name. */
  app(path: string, unmatched: 'deny' | 'ignore', limits: AppOptions['limits'] = {}): App {
    const warn = (message: string): void => void this.warnings.push(message);
    const app = new App({ limits, logger: { ...quiet, warn } }).wsRoute(path, async (ws) => {
      await ws.accept();
      for await (const { data } of ws) await ws.send(`${path} ${data as string}`);
    });
    this.apps.push(app.attach(this.server, { unmatched }));
    return app;
  }

  onEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async listen(): Promise<this> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** What comes back for a frame, or for a handshake that is refused. */
  say(path: string): Promise<string> {
    const client = new Client(`ws://127.0.0.1:${this.port}${path}`);
    return new Promise((resolve) => {
      client.on('open', () => client.send('hi'));
      client.on('message', (data: Buffer) => {
        resolve(data.toString());
        client.terminate();
      });
      client.on('unexpected-response', (request, response) => {
        resolve(`${response.statusCode}`);
        request.destroy();
      });
      client.on('error', (error) => resolve(error.message));
    });
  }

  /** A client of bytes. */
  async raw(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    this.onEnd(() => socket.destroy());
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) await end();
    await Promise.all(this.apps.map((app) => app.close()));
    this.server.close();
    this.server.closeAllConnections();
  }
}

const handshake = (target: string, host = 'x'): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** Everything that a socket brings until it holds all of `parts`, in their order. */
async function until(socket: Socket, ...parts: readonly string[]): Promise<string> {
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    let from = 0;
    if (parts.every((part) => (from = text.indexOf(part, from)) >= 0)) break;
  }
  return text;
}

describe('two apps on one server', () => {
  test.each([
    ['ignore', 'ignore'],
    ['ignore', 'deny'],
    ['deny', 'ignore'],
    ['deny', 'deny'],
  ] as const)('each has its paths, and what is nobody’s is answered once: %s, %s', async (first, second) => {
    await using here = new Neighbourhood();
    here.app('/a', first);
    here.app('/b', second);
    await here.listen();
    expect(await Promise.all(['/a', '/b', '/zzz'].map((path) => here.say(path)))).toEqual(['/a hi', '/b hi', '404']);
    const socket = await here.raw();
    socket.write(handshake('/zzz'));
    expect((await until(socket)).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('one goes on where the other is closed, and the server is as before once both are', async () => {
    await using here = new Neighbourhood();
    const { emit } = here.server;
    const [a, b] = [here.app('/a', 'ignore'), here.app('/b', 'ignore')];
    await here.listen();
    await a.close();
    expect(await Promise.all(['/a', '/b'].map((path) => here.say(path)))).toEqual(['404', '/b hi']);
    await b.close();
    expect(here.server.listenerCount('upgrade')).toBe(0);
    expect(here.server.emit).toBe(emit);
  });
});

describe.each(['ignore', 'deny'] as const)('an app that would %s what it has no route for', (unmatched) => {
  test.each(['before', 'after'])('stands beside a server of ws that was there %s it', async (when) => {
    await using here = new Neighbourhood();
    const addWs = (): void => {
      const theirs = new WebSocketServer({ server: here.server, path: '/ws' });
      theirs.on('connection', (socket) => socket.on('message', () => socket.send('theirs')));
      here.onEnd(() => {
        for (const client of theirs.clients) client.terminate();
      });
    };
    if (when === 'before') addWs();
    here.app('/a', unmatched);
    if (when === 'after') addWs();
    await here.listen();
    expect(await Promise.all(['/a', '/ws', '/zzz'].map((path) => here.say(path)))).toEqual(['/a hi', 'theirs', '400']);
    const socket = await here.raw();
    socket.write(handshake('/a'));
    // A ping, empty and masked.
    socket.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]));
    const [head, frames] = (await until(socket, '\r\n\r\n', '\x8a\x00')).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    // Its pong, and nothing of anybody else.
    expect(frames).toBe('\x8a\x00');
  });

  test('stands beside Socket.IO', async () => {
    await using here = new Neighbourhood();
    const io = new SocketIo(here.server, { destroyUpgradeTimeout: 10 });
    here.app('/a', unmatched);
    await here.listen();
    here.onEnd(() => io.close());
    expect(await here.say('/a')).toBe('/a hi');
    expect(await here.say('/socket.io/?EIO=4&transport=websocket')).toMatch(/^0\{"sid"/);
  });
});

test('an upgrade of a route is shown to no other listener', async () => {
  await using here = new Neighbourhood();
  const shown: (string | undefined)[] = [];
  here.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    shown.push(request.url);
    socket.end('HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n');
  });
  here.app('/a', 'ignore');
  await here.listen();
  expect(await Promise.all(['/a', '/zzz'].map((path) => here.say(path)))).toEqual(['/a hi', '418']);
  expect(shown).toEqual(['/zzz']);
});

test('what every listener ignores is answered once the time for an accept is over, and what one has taken is not', async () => {
  await using here = new Neighbourhood();
  const taken = new Gate<Duplex>();
  here.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    if (request.url !== '/slow') return;
    socket.on('error', () => undefined);
    taken.open(socket);
  });
  here.app('/a', 'ignore', { acceptTimeoutMs: 40 });
  await here.listen();
  const slow = here.say('/slow');
  const socket = await taken.promise;
  expect(await here.say('/zzz')).toBe('404');
  // By now the time of /slow is over as well.
  socket.end('HTTP/1.1 418 Theirs\r\nContent-Length: 0\r\n\r\n');
  expect(await slow).toBe('418');
});

test('an app that denies beside others says once how to share', async () => {
  await using here = new Neighbourhood();
  here.server.on('upgrade', () => undefined);
  here.app('/a', 'deny');
  await here.listen();
  expect([await here.say('/x'), await here.say('/y')]).toEqual(['404', '404']);
  expect(here.warnings).toEqual([expect.stringContaining("attach(server, { unmatched: 'ignore' })")]);
});

describe('a request target', () => {
  test.each([
    ['http://localhost/a', '101'],
    ['https://localhost:8443/a?x=1', '101'],
    ['HTTP://LOCALHOST/a', '101'],
    ['http://localhost/zzz', '404'],
    ['http://localhost', '404'],
    ['http://user@localhost/a', '400'],
    ['http://localhost/a/../b', '400'],
    ['ftp://localhost/a', '400'],
    ['*', '400'],
  ])('%s is read as RFC 9112 has it: %s', async (target, status) => {
    await using here = new Neighbourhood();
    here.app('/a', 'deny');
    await here.listen();
    const socket = await here.raw();
    socket.write(handshake(target));
    expect(await until(socket, '\r\n\r\n')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('that is absolute gives the handler its path and query, and its server stands over the Host header', async () => {
    const seen: unknown[] = [];
    const app = new App({ origins: [] }).wsRoute('/a', (ws) => {
      seen.push(ws.path, ws.query.get('x'), ws.url.host);
      return ws.deny(404);
    });
    const { port } = await app.listen(0, '127.0.0.1');
    const socket = connect(port, '127.0.0.1');
    socket.write(handshake('http://example.test:81/a?x=1', 'other.test'));
    await until(socket, '\r\n\r\n');
    expect(seen).toEqual(['/a', '1', 'example.test:81']);
    socket.destroy();
    await app.close();
  });
});

test('an upgrade behind a request that is still being answered on the same connection waits for that answer', async () => {
  const asked = new Gate<ServerResponse>();
  const upgraded = new Gate();
  await using here = new Neighbourhood((request, response) => {
    if (request.url === '/first') asked.open(response);
    else response.end('second');
  });
  here.app('/a', 'deny');
  here.server.on('request', () => undefined);
  const { emit } = here.server;
  here.server.emit = function (this: Server, ...given: Parameters<Server['emit']>) {
    if (given[0] === ('upgrade' as string)) upgraded.open();
    return Reflect.apply(emit, this, given) as boolean;
  } as Server['emit'];
  await here.listen();
  const socket = await here.raw();
  const plain = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  socket.write(plain('/first') + plain('/second') + handshake('/a'));
  const response = await asked.promise;
  await upgraded.promise;
  response.end('first');
  const text = await until(socket, 'first', 'second', ' 101 ');
  expect(text.match(/HTTP\/1\.1 \d+|\r\n\r\n(first|second)/g)).toEqual([
    'HTTP/1.1 200',
    '\r\n\r\nfirst',
    'HTTP/1.1 200',
    '\r\n\r\nsecond',
    'HTTP/1.1 101',
  ]);
});
