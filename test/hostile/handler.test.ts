import { consumer, type App, type Handler } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Arena } from './arena.ts';
import { text } from './frames.ts';
import { handshake } from './raw-client.ts';

const planted = new Error('planted');
const attack = handshake('GET /attacked HTTP/1.1');

function attacked(handler: Handler): { routes: (app: App) => void } {
  return { routes: (app) => app.wsRoute('/attacked', handler) };
}

const throwingBefore: Readonly<Record<string, Handler>> = {
  'at once': () => {
    throw planted;
  },
  'after a while': async () => {
    await turn();
    throw planted;
  },
};

const throwingAfter: Readonly<Record<string, Handler>> = {
  'in one piece with accept': (ws) => {
    void ws.accept();
    throw planted;
  },
  'after accept': async (ws) => {
    await ws.accept();
    throw planted;
  },
  'after a while': async (ws) => {
    await ws.accept();
    await turn();
    throw planted;
  },
  'on a frame': async (ws) => {
    await ws.accept();
    await ws.receive();
    throw planted;
  },
};

describe('a handler that throws before accept', () => {
  test.each(Object.entries(throwingBefore))('%s answers 500', async (_when, handler) => {
    await using arena = await Arena.open(attacked(handler));
    const client = await arena.raw();

    client.write(attack);

    const answer = await client.answer();
    expect(answer?.status).toBe(500);
    expect(answer?.body).toBe('');
    expect(arena.failures).toMatchObject([{ error: planted, context: { route: '/attacked', hook: 'handler' } }]);
    await arena.expectUndisturbed();
  });
});

describe('a handler that throws after accept', () => {
  test.each(Object.entries(throwingAfter))('%s closes with 1011', async (_when, handler) => {
    await using arena = await Arena.open(attacked(handler));
    const client = await arena.upgraded('/attacked');

    client.write(text('secret words'));

    expect(await client.closeCode()).toBe(1011);
    client.destroy();
    await arena.expectUndisturbed();
    expect(arena.failures).toMatchObject([{ error: planted, context: { route: '/attacked' } }]);
    expect(JSON.stringify(arena.logs)).not.toContain('secret words');
  });

  test.each(['onConnect', 'onReceive', 'onDisconnect'] as const)('in the hook %s is told of once', async (hook) => {
    const visits: string[] = [];
    const fail = (): never => {
      throw planted;
    };
    await using arena = await Arena.open({
      routes: (app) =>
        app.addWsRoute(
          consumer('/attacked', {
            async onConnect(ws) {
              await ws.accept();
              visits.push('connect');
              if (hook === 'onConnect') fail();
            },
            onReceive: () => (hook === 'onReceive' ? fail() : undefined),
            onDisconnect(_ws, code) {
              visits.push(`disconnect ${code}`);
              if (hook === 'onDisconnect') fail();
            },
          }),
        ),
    });
    const client = await arena.upgraded('/attacked');

    client.write(text('go'));
    if (hook === 'onDisconnect') client.socket.end();
    await client.closeCode();
    client.destroy();

    await arena.expectUndisturbed();
    expect(visits).toEqual(['connect', hook === 'onDisconnect' ? 'disconnect 1006' : 'disconnect 1011']);
    expect(arena.failures).toMatchObject([{ error: planted, context: { hook } }]);
  });
});

describe('a consumer that does not await its accept', () => {
  const visits: string[] = [];
  const hasty = (isThrowing: boolean): { routes: (app: App) => void } => ({
    routes: (app) =>
      app.addWsRoute(
        consumer('/attacked', {
          encoding: 'text',
          onConnect(ws) {
            void ws.accept();
            visits.push('connect');
            if (isThrowing) throw planted;
          },
          onReceive: (ws, data) => ws.sendText(String(data)),
          onDisconnect: (_ws, code) => visits.push(`disconnect ${code}`),
        }),
      ),
  });

  test('is served all the same', async () => {
    visits.length = 0;
    await using arena = await Arena.open(hasty(false));
    const client = await arena.upgraded('/attacked');

    client.write(text('hello'));

    expect(await client.text()).toBe('hello');
  });

  test('and throws is closed with 1011, and told so', async () => {
    visits.length = 0;
    await using arena = await Arena.open(hasty(true));
    const client = await arena.upgraded('/attacked');

    expect(await client.closeCode()).toBe(1011);
    client.destroy();
    await arena.expectUndisturbed();
    expect(visits).toEqual(['connect', 'disconnect 1011']);
  });
});

describe('a handler that never ends', () => {
  test('and never accepts is answered 503 after acceptTimeoutMs, and counts no longer', async () => {
    await using arena = await Arena.open(attacked(() => new Promise(() => {})));
    const client = await arena.raw();
    client.write(attack);
    await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');

    await arena.clock.pass(9_999);
    expect(client.unread).toBe('');
    await arena.clock.pass(1);

    expect((await client.answer())?.status).toBe(503);
    await arena.expectUndisturbed();
  });

  test('sees its signal abort when it has been answered for', async () => {
    const seen: unknown[] = [];
    await using arena = await Arena.open(
      attacked(async (ws) => {
        await new Promise((resolve) => ws.signal.addEventListener('abort', resolve));
        await ws.accept().catch((error: unknown) => seen.push(error));
      }),
    );
    const client = await arena.raw();
    client.write(attack);
    await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');

    await arena.clock.pass(10_000);

    expect((await client.answer())?.status).toBe(503);
    await arena.until(() => seen.length === 1, 'the handler went on');
    expect(seen).toMatchObject([{ code: 'CHANNELBOX_ALREADY_ANSWERED' }]);
    await arena.expectUndisturbed();
  });

  test('after its client left before the accept counts no longer', async () => {
    await using arena = await Arena.open({ ...attacked(() => new Promise(() => {})), limits: { maxConnections: 2 } });

    for (let count = 0; count < 5; count += 1) {
      const client = await arena.raw();
      client.write(attack);
      await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');
      client.reset();
      await arena.until(() => arena.app.inspect().connections === 1, 'the client is gone');
    }

    await arena.expectUndisturbed();
  });

  test('after its client left counts no longer, and is in no group', async () => {
    await using arena = await Arena.open(
      attacked(async (ws) => {
        await ws.accept();
        await ws.join('room');
        await new Promise(() => {});
      }),
    );
    const client = await arena.upgraded('/attacked');
    await arena.until(() => arena.app.inspect().memberships === 1, 'it has joined');

    client.reset();

    await arena.expectUndisturbed();
    expect(arena.app.inspect()).toMatchObject({ memberships: 0, groups: 0 });
    expect(arena.seriousLogs).toEqual([]);
  });
});

describe('a slow handler behind a full inbound queue', () => {
  test('costs its healthy client nothing: it outlives two heartbeats, and every frame is served', async () => {
    const gate = new Gate();
    const served: string[] = [];
    await using arena = await Arena.open({
      limits: { inboundQueue: 4 },
      routes: (app) =>
        app.addWsRoute(
          consumer('/attacked', {
            encoding: 'text',
            async onReceive(_ws, data) {
              await gate.promise;
              served.push(String(data));
            },
          }),
        ),
    });
    const client = await arena.connect('/attacked');
    for (let at = 0; at < 200; at += 1) client.send(String(at).padEnd(64 * 1024, '.'));
    await turn(200);
    expect(client.bufferedAmount).toBeGreaterThan(0);

    for (let beats = 0; beats < 2; beats += 1) await arena.clock.pass(35_000, 5_000);
    await turn(20);
    expect(client.readyState).toBe(client.OPEN);
    gate.open();

    await arena.until(() => served.length === 200, 'all is served');
    expect(served.map((data) => Number.parseInt(data, 10))).toEqual(Array.from({ length: 200 }, (_, at) => at));
    await arena.clock.pass(25_000);
    await turn(20);
    await arena.clock.pass(10_000);
    await turn(20);
    expect(client.readyState).toBe(client.OPEN);
    expect(arena.seriousLogs).toEqual([]);
  });

  test('does not keep the client from leaving: its end is told once the queue is read', async () => {
    const gate = new Gate();
    const seen: string[] = [];
    await using arena = await Arena.open({
      limits: { inboundQueue: 1 },
      routes: (app) =>
        app.addWsRoute(
          consumer('/attacked', {
            encoding: 'text',
            async onReceive(_ws, data) {
              await gate.promise;
              seen.push(String(data));
            },
            onDisconnect: (_ws, code) => seen.push(`disconnect ${code}`),
          }),
        ),
    });
    const client = await arena.connect('/attacked');
    for (let at = 0; at < 10; at += 1) client.send(String(at));
    client.close(3000);

    await turn(50);
    expect(seen).toEqual([]);
    gate.open();

    await arena.until(() => seen.length === 11, 'all is served');
    expect(seen).toEqual([...Array.from({ length: 10 }, (_, at) => String(at)), 'disconnect 3000']);
  });
});

describe('what else an app may get wrong', () => {
  test('a logger that throws harms nobody', async () => {
    const fail = (): never => {
      throw new Error('the log is full');
    };
    await using arena = await Arena.open({
      logger: { debug: fail, info: fail, warn: fail, error: fail },
      routes: (app) => app.wsRoute('/attacked', throwingBefore['at once'] as Handler),
    });
    const bad = await arena.upgraded('/json');
    bad.write(text('{'));
    expect(await bad.closeCode()).toBe(1007);
    bad.destroy();
    const client = await arena.raw();
    client.write(attack);

    expect((await client.answer())?.status).toBe(500);
    await arena.expectUndisturbed();
  });

  test.each([
    [
      'throws',
      (): unknown => {
        throw new Error('worse');
      },
    ],
    [
      'rejects',
      // Async where the type says void: nobody but the app can see it fail.
      (): unknown => Promise.reject(new Error('worse')),
    ],
  ])('an onError that %s harms nobody', async (_how, onError) => {
    await using arena = await Arena.open({ ...attacked(throwingBefore['at once'] as Handler), onError });
    const client = await arena.raw();

    client.write(attack);

    expect((await client.answer())?.status).toBe(500);
    await turn(5);
    await arena.expectUndisturbed();
    expect(arena.seriousLogs).toHaveLength(2);
  });

  test('a refusal whose body was read already is told of, and the client is still answered', async () => {
    const spent = new Response('gone', { status: 401 });
    await spent.text();
    await using arena = await Arena.open(attacked((ws) => ws.deny(spent)));
    const client = await arena.raw();

    client.write(attack);

    expect((await client.answer())?.status).toBe(500);
    expect(arena.failures).toMatchObject([{ error: { code: 'CHANNELBOX_DENY_BODY' } }]);
    await arena.expectUndisturbed();
  });
});
