import { App, ChannelBox, consumer, rateLimit } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';
import { MemoryLayer } from '../../src/layer/memory.ts';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';
import { runProgram } from './program.ts';

describe('a drain', () => {
  test('of 5 000 sockets in 30 s closes in no second more than twice the average', async () => {
    await using stage = new Stage({ limits: { heartbeatMs: Infinity } });
    const peers = await Promise.all(Array.from({ length: 5_000 }, () => stage.peers.connect('/')));
    const startMs = stage.clock.monotonic();
    const buckets = new Map<number, number>();
    const open = new Set(peers);

    const draining = stage.app.drain({ withinMs: 30_000 });
    let hasEnded = false;
    void draining.then(() => (hasEnded = true));
    while (!hasEnded) {
      await turn(3);
      const second = Math.floor((stage.clock.monotonic() - startMs) / 1000);
      for (const peer of open) {
        if (peer.closed === undefined) continue;
        open.delete(peer);
        buckets.set(second, (buckets.get(second) ?? 0) + 1);
        expect(peer.closed.code).toBe(1012);
      }
      stage.clock.advance(100);
      expect(stage.clock.monotonic() - startMs).toBeLessThanOrEqual(31_000);
    }

    const report = await draining;
    expect(report).toMatchObject({ closed: 5_000, terminated: 0 });
    expect(Math.max(...buckets.values())).toBeLessThanOrEqual((2 * 5_000) / buckets.size);
  });

  test('closes a batch in each interval, in none of them at the same moment', async () => {
    await using stage = new Stage({ limits: { heartbeatMs: Infinity } });
    const peers = await Promise.all(Array.from({ length: 20 }, () => stage.peers.connect('/')));
    const draining = stage.app.drain({ withinMs: 30_000, batch: 1, everyMs: 100 });
    const closedAt: number[] = [];
    const open = new Set(peers);
    for (let ms = 0; ms < 2_000; ms += 1) {
      await turn(3);
      for (const peer of open) {
        if (peer.closed === undefined) continue;
        open.delete(peer);
        closedAt.push(ms);
      }
      stage.clock.advance(1);
    }
    expect(closedAt.map((ms) => Math.ceil(ms / 100))).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(new Set(closedAt.map((ms) => ms % 100)).size).toBeGreaterThan(10);
    expect(await draining).toMatchObject({ closed: 20, terminated: 0 });
  });

  test('tells newcomers to come back in one to five seconds, not all in the same one', async () => {
    await using stage = new Stage({});
    const peer = await stage.peers.connect('/');
    peer.pause();
    const draining = stage.app.drain({ withinMs: 1_000 });
    const late = Array.from({ length: 50 }, () => stage.peers.ask('/'));
    await turn(3);
    const seconds = late.map(({ headers }) => Number(headers?.get('retry-after')));
    expect([...new Set(seconds)].toSorted((one, other) => one - other)).toEqual([1, 2, 3, 4, 5]);
    await stage.clock.pass(1_000, 100);
    await draining;
  });

  test('lets nobody in meanwhile, and cuts off at its end who does not answer', async () => {
    await using stage = new Stage({ limits: { closeTimeoutMs: 60_000 } });
    const peer = await stage.peers.connect('/');
    peer.pause();
    const draining = stage.app.drain({ withinMs: 1_000, code: 1001, reason: 'restart' });
    const late = stage.peers.ask('/');
    await turn(3);
    expect(late.status).toBe(503);

    await stage.clock.pass(1_000, 100);

    expect(await draining).toMatchObject({ closed: 0, terminated: 1, tookMs: 1_000 });
    await turn(3);
    expect(stage.app.inspect().connections).toBe(0);
  });

  test('tells whoever is let in meanwhile, having asked before, and counts who was never told apart', async () => {
    await using stage = new Stage({}, (app, own) =>
      app
        .wsRoute('/slow', async (ws) => {
          await own.clock.sleep(300);
          await ws.accept();
          for await (const _ of ws);
        })
        .wsRoute('/slower', (ws) => own.clock.sleep(60_000, ws.signal)),
    );
    await stage.peers.connect('/');
    const [slow, slower] = [stage.peers.ask('/slow'), stage.peers.ask('/slower')];
    await turn(3);
    const draining = stage.app.drain({ withinMs: 1_000 });

    await stage.clock.pass(1_000, 100);

    expect(slow.closed?.code).toBe(1012);
    expect(slower.status).toBe(503);
    expect(await draining).toMatchObject({ closed: 2, terminated: 1 });
  });

  test('waits for handlers that finish their work', async () => {
    const done: string[] = [];
    await using stage = new Stage({}, (app, own) =>
      app.wsRoute('/work', async (ws) => {
        await ws.accept();
        await ws.receive().catch(() => {});
        await own.clock.sleep(500);
        done.push('worked');
      }),
    );
    await stage.peers.connect('/work');
    const draining = stage.app.drain({ withinMs: 5_000 });
    await stage.clock.pass(600, 100);
    await draining;
    expect(done).toEqual(['worked']);
  });
});

describe('a rate limit', () => {
  test('closes with 1008 past it, refills on the app’s clock, and several all hold', async () => {
    const heard: string[] = [];
    const inner = rateLimit({ messages: 100 });
    await using stage = new Stage({}, (app) =>
      app
        .addWsMiddleware(rateLimit({ messages: 2, perMs: 1_000 }))
        .wsRoute('/rated', { middleware: [inner] }, async (ws) => {
          await ws.accept();
          for await (const text of ws.iterText()) heard.push(text);
        }),
    );
    const peer = await stage.peers.connect('/rated');
    peer.send('1').send('2');
    await turn(3);
    await stage.clock.pass(500);
    peer.send('3');
    await turn(3);
    expect([heard, peer.closed]).toEqual([['1', '2', '3'], undefined]);

    peer.send('4');
    await turn(5);

    expect(peer.closed?.code).toBe(1008);
    expect(heard).toEqual(['1', '2', '3']);
    expect(stage.seriousLogs).toEqual([]);
  });

  test('is each socket’s own', async () => {
    await using stage = new Stage({}, (app) =>
      app.wsRoute('/rated', { middleware: [rateLimit({ messages: 1 })] }, async (ws) => {
        await ws.accept();
        for await (const text of ws.iterText()) await ws.sendText(text);
      }),
    );
    const [ann, bob] = [await stage.peers.connect('/rated'), await stage.peers.connect('/rated')];
    ann.send('a');
    bob.send('b');
    await turn(5);
    expect([ann.texts, bob.texts]).toEqual([['a'], ['b']]);
  });
});

describe('draining and closing settle, whatever handlers do', () => {
  test('the report names route, hook and connection of every handler that was still running', async () => {
    const app = new App({ limits: { closeTimeoutMs: 50 } });
    const ids: string[] = [];
    const stuck = new Promise<never>(() => {});
    app.wsRoute('/stuck/{name}', async (ws) => {
      await ws.accept();
      ids.push(ws.id);
      await stuck;
    });
    app.wsRoute('/thinks', (ws) => {
      ids.push(ws.id);
      return stuck;
    });
    app.addWsRoute(
      consumer('/consumer', {
        onReceive(ws) {
          ids.push(ws.id);
          return stuck;
        },
      }),
    );
    app.addWsRoute(consumer('/rests', {}));
    app.addWsRoute(consumer('/leaves', { onDisconnect: () => stuck }));
    const { port } = await app.listen(0, '127.0.0.1');
    const dial = async (path: string): Promise<Client> => {
      const client = new Client(`ws://127.0.0.1:${port}${path}`);
      client.on('error', () => {});
      if (path !== '/thinks') await new Promise((resolve) => client.once('open', resolve));
      return client;
    };
    await dial('/stuck/a');
    await dial('/thinks');
    (await dial('/consumer')).send('go');
    await dial('/rests');
    (await dial('/leaves')).terminate();
    await expect.poll(() => ids.length).toBe(3);

    const { running } = await app.drain({ withinMs: 100 });

    const where = running.map(({ route, hook }) => `${route ?? ''} ${hook}`);
    expect(where.sort()).toEqual([
      '/consumer onReceive',
      '/leaves onDisconnect',
      '/stuck/{name} handler',
      '/thinks handler',
    ]);
    expect(running.map(({ connection }) => connection)).toEqual(expect.arrayContaining(ids));
    await app.close();
  });

  test('who ended in time is in no report', async () => {
    const app = new App().addWsRoute(consumer('/x', {}));
    const { port } = await app.listen(0, '127.0.0.1');
    const client = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => client.once('open', resolve));
    expect(await app.drain()).toMatchObject({ closed: 1, terminated: 0, running: [] });
    await app.close();
  });

  test('a layer that never ends holds nobody', async () => {
    class EndlessLayer extends MemoryLayer {
      override close(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const app = new App({ channelBox: new ChannelBox({ layer: new EndlessLayer() }), limits: { closeTimeoutMs: 20 } });
    await app.listen(0, '127.0.0.1');
    await app.close();
    await expect(app.listen(0, '127.0.0.1')).rejects.toMatchObject({ code: 'CHANNELBOX_APP_CLOSED' });
  });

  test('in a process that has nothing else alive', async () => {
    const { stdout } = await runProgram(`
      import { App } from '../../src/index.ts';
      import { WebSocket } from 'ws';
      const app = new App({ limits: { closeTimeoutMs: 50 } });
      app.wsRoute('/stuck', async (ws) => { await ws.accept(); await new Promise(() => {}); });
      const { port } = await app.listen(0, '127.0.0.1');
      const client = new WebSocket('ws://127.0.0.1:' + port + '/stuck');
      await new Promise((resolve) => client.once('open', resolve));
      client.close();
      await new Promise((resolve) => client.once('close', resolve));
      const { running } = await app.drain({ withinMs: 50 });
      await app.close();
      console.log('drained', running.length);`);
    expect(stdout).toBe('drained 1\n');
  });
});
