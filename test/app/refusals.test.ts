import { App, consumer, type AppOptions, type Logger, type RefusalReason } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { connect } from 'node:net';
import { WebSocket as Client, type ClientOptions } from 'ws';
import { refusalReasons } from '../../src/protocol/counters.ts';
import { ManualClock } from '../manual-clock.ts';

interface Entry {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function recorder(): { logger: Logger; entries: Entry[] } {
  const entries: Entry[] = [];
  const log = (level: string) => (message: string, fields?: object) =>
    void entries.push({ level, message, fields: { ...fields } });
  return { entries, logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') } };
}

/** @returns the status that it was refused with */
function refusedAt(port: number, path: string, options?: ClientOptions): Promise<number> {
  return new Promise((resolve) => {
    const client = new Client(`ws://127.0.0.1:${port}${path}`, options);
    client.on('unexpected-response', (_request, { statusCode = 0 }) => {
      resolve(statusCode);
      client.terminate();
    });
    client.on('error', () => {});
  });
}

interface Way {
  readonly options?: AppOptions;
  readonly path?: string;
  readonly client?: ClientOptions;
  readonly prepare?: (app: App) => void;
  readonly status: number;
  readonly values: object;
}

/** One way into each refusal that a client meets by its request. */
const ways: Readonly<Record<Exclude<RefusalReason, 'left' | 'draining' | 'bad-handshake' | 'host'>, Way>> = {
  route: { path: '/nowhere?secret=1', status: 404, values: { path: '/nowhere' } },
  origin: {
    client: { origin: 'https://app.example.org' },
    status: 403,
    values: { origin: 'https://app.example.org', host: expect.stringMatching(/^127\.0\.0\.1:/) },
  },
  limit: { options: { limits: { maxConnections: 1 } }, status: 503, values: { connections: 1, maxConnections: 1 } },
  handler: { path: '/close', status: 403, values: { route: '/close', code: 4001 } },
  middleware: {
    prepare: (app) => app.addWsMiddleware(async (ws, next) => (ws.path === '/x' ? undefined : next())),
    status: 403,
    values: { route: '/x' },
  },
  returned: { path: '/forgot', status: 403, values: { route: '/forgot' } },
  threw: { path: '/throws', status: 500, values: { route: '/throws' } },
  timeout: {
    path: '/thinks',
    options: { limits: { acceptTimeoutMs: 20 } },
    status: 503,
    values: { route: '/thinks', acceptTimeoutMs: 20 },
  },
};

async function open(options: AppOptions = {}): Promise<{ app: App; port: number; entries: Entry[] }> {
  const { logger, entries } = recorder();
  const app = new App({ logger, ...options });
  app.addWsRoute(consumer('/x', {}));
  app.addWsRoute(consumer('/stays', {}));
  app.wsRoute('/close', (ws) => ws.close(4001));
  app.wsRoute('/forgot', () => {});
  app.wsRoute('/throws', () => {
    throw new Error('boom');
  });
  app.wsRoute('/thinks', (ws) => new Promise((resolve) => ws.signal.addEventListener('abort', resolve)));
  const { port } = await app.listen(0, '127.0.0.1');
  return { app, port, entries };
}

const refusalsIn = (entries: readonly Entry[]): Entry[] =>
  entries.filter(({ level, message }) => level === 'info' && message.startsWith('handshake refused'));

describe('what was refused is logged once, with what disagreed, and counted', () => {
  test.each(Object.entries(ways))('%s', async (reason, { options, path = '/x', client, prepare, status, values }) => {
    const { app, port, entries } = await open(options);
    prepare?.(app);
    const stays = reason === 'limit' ? new Client(`ws://127.0.0.1:${port}/stays`) : undefined;
    if (stays !== undefined) await new Promise((resolve) => stays.once('open', resolve));
    expect(await refusedAt(port, path, client)).toBe(status);
    stays?.terminate();
    await app.close();

    const [entry, ...others] = refusalsIn(entries);
    expect(others).toEqual([]);
    expect(entry?.fields).toMatchObject({ reason, status, path: path.split('?')[0], ...values });
    expect(entry?.fields).toMatchObject({ client: { host: '127.0.0.1', port: expect.any(Number) } });
    const zero = Object.fromEntries(refusalReasons.map((each) => [each, 0]));
    expect(app.inspect().counters.refused).toEqual({ ...zero, [reason]: 1 });
  });

  test('draining', async () => {
    const { app, port, entries } = await open({ limits: { closeTimeoutMs: 50 } });
    const stays = new Client(`ws://127.0.0.1:${port}/thinks`);
    // It is refused while the drain is on, maybe before that ends.
    stays.on('error', () => {});
    await expect.poll(() => app.inspect().connections).toBe(1);
    const server = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => server.once('open', resolve));
    const draining = app.drain({ withinMs: 50 });
    let status = 0;
    // The port is closed to new connections by now; over another transport handshakes still come.
    await app.handle({
      url: new URL('ws://here/x'),
      method: 'GET',
      headers: [],
      client: { host: '127.0.0.1', port: 1 },
      signal: new AbortController().signal,
      accept: () => Promise.reject(new Error('it is not accepted')),
      deny: async (response) => {
        ({ status } = response);
      },
    });
    await draining;
    await app.close();
    expect(status).toBe(503);
    expect(app.inspect().counters.refused.draining).toBeGreaterThanOrEqual(1);
    expect(refusalsIn(entries).map(({ fields }) => fields['reason'])).toContain('draining');
  });

  test('left', async () => {
    const { app, port, entries } = await open();
    const client = new Client(`ws://127.0.0.1:${port}/thinks`);
    client.on('error', () => {});
    await expect.poll(() => app.inspect().connections).toBe(1);
    client.terminate();
    await expect.poll(() => app.inspect().counters.refused.left).toBe(1);
    await app.close();
    expect(refusalsIn(entries)[0]?.fields).toMatchObject({ reason: 'left', path: '/thinks', route: '/thinks' });
  });

  test('bad-handshake', async () => {
    const { app, port, entries } = await open();
    const socket = connect(port, '127.0.0.1');
    socket.end('GET /x?secret HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    await app.close();
    expect(app.inspect().counters.refused['bad-handshake']).toBe(1);
    const { fields } = refusalsIn(entries)[0] as Entry;
    expect(fields).toMatchObject({ reason: 'bad-handshake', status: 400, path: '/x', fault: expect.any(String) });
  });

  test('a flood of them is told in words', async () => {
    const clock = new ManualClock();
    const { app, port, entries } = await open({ clock });
    for (let each = 0; each < 25; each += 1) await refusedAt(port, '/nowhere');
    clock.advance(1_001);
    await app.close();
    const told = refusalsIn(entries);
    expect(told).toHaveLength(11);
    expect(told.at(-1)?.message).toContain('… and 15 more in the last second');
    expect(app.inspect().counters.refused.route).toBe(25);
  });
});
