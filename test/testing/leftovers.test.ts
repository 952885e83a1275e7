import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { appOf, echoOf, over, printedBy, refusalOf, rooms, transports } from './apps.ts';

describe.each(transports)('over %s, the end of a test', (transport) => {
  test('finds nothing where nothing was left, whatever the framework itself had going', async () => {
    const t = testApp(rooms({ expires: 60 }), over(transport, { strict: true }));
    const [ann, bob, cid] = await t.connectAll(3, '/room/7');
    ann.drop();
    await bob.close(4000);
    cid.pause();
    await t.handshake('/nowhere');
    await t.clock.advance('10s');
    await t.close();
    expect(t.clock.pending()).toEqual([]);
    expect(t.app.inspect()).toMatchObject({ connections: 0, channels: 0, memberships: 0 });
  });

  test('names a handler that still runs: connection, route, hook, last call and its stack', async () => {
    const app = new App().addWsRoute(
      consumer('/desk/{id}', {
        async onReceive(ws) {
          await ws.sendText('on it');
          await ws.app.clock.sleep(60_000);
        },
      }),
    );
    const t = testApp(app, over(transport));
    const ann = await t.connect('/desk/7');
    ann.send('go');
    await ann.expect('on it');
    const { message } = await refusalOf(t.close());
    expect(message).toContain('a handler still runs after its client has left: /desk/{id}, onReceive');
    expect(message).toMatch(/connection [0-9a-f-]{36}/);
    expect(message).toContain('last call: clock.sleep');
    expect(message).toMatch(/leftovers\.test\.ts:\d+/);
    expect(message).not.toContain('node_modules');
  });

  test('names a timer that a handler left: who set it, where, and when it is due', async () => {
    const app = echoOf((ws) => {
      ws.app.clock.setTimeout(() => void ws.sendText('late'), 5_000, 'reminder');
      ws.app.clock.setTimeout(() => undefined, 9_000);
    });
    const t = testApp(app, over(transport));
    const ann = await t.connect('/x');
    ann.send('go');
    await t.clock.advance(1_000);
    const { message } = await refusalOf(t.close());
    expect(message).toContain('the test left 2 things behind');
    expect(message).toMatch(
      /a timer \(reminder\) is left, due in 4000 ms, set by \/x, handler, connection [0-9a-f-]{36} of client 1:/,
    );
    expect(message).toContain('a timer is left, due in 8000 ms');
    expect(message).toMatch(/leftovers\.test\.ts:\d+/);
  });

  test('is not troubled by timers that are cleared, that have fired, or that are the test’s own', async () => {
    const app = echoOf((ws) => {
      const { clock } = ws.app;
      clock.clearTimeout(clock.setTimeout(() => undefined, 5_000));
      clock.setTimeout(() => undefined, 10);
    });
    const t = testApp(app, over(transport));
    t.clock.setTimeout(() => undefined, 60_000);
    const ann = await t.connect('/x');
    ann.send('go');
    await t.clock.advance(10);
    await t.close();
    expect(t.clock.pending()).toHaveLength(1);
  });

  test('names unread frames where it is strict', async () => {
    const t = testApp(
      echoOf((ws, text) => ws.sendText(text)),
      over(transport, { strict: true }),
    );
    const ann = await t.connect('/x', { name: 'ann' });
    for (const text of ['{"a":1}', 'two', '', 'four', 'five']) ann.send(text);
    await ann.expect({ a: 1 });
    const { message } = await refusalOf(t.close());
    expect(message).toContain('4 unread at ann: "two", "", "four", and 1 more');
  });

  test('reports all of it in one error, once', async () => {
    const app = echoOf((ws, text) => {
      ws.app.clock.setTimeout(() => undefined, 5_000);
      throw new Error(text);
    });
    const t = testApp(app, over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('one');
    bob.send('two');
    void ann.expect('forgotten');
    const { message } = await refusalOf(t.close());
    expect(message).toContain('the test left 4 things behind');
    await t.close();
  });

  test('belongs to its own app, though two share a clock', async () => {
    const one = testApp(
      echoOf((ws) => void ws.app.clock.setTimeout(() => undefined, 5_000)),
      over(transport),
    );
    const other = testApp(rooms(), over(transport, { clock: one.clock }));
    const ann = await one.connect('/x');
    await other.connect('/room/7');
    ann.send('go');
    await one.settle();
    await other.close();
    expect((await refusalOf(one.close())).message).toContain('a timer is left');
  });

  test('leaves no group to the next test', async () => {
    for (let round = 0; round < 3; round += 1) {
      const t = testApp(rooms(), over(transport));
      const ann = await t.connect('/room/7');
      expect(await t.app.channelBox.members('7')).toHaveLength(1);
      ann.sendJson(round);
      await ann.expect({ said: round });
      await ann.expectNothing();
      await t.close();
      expect(t.app.inspect()).toMatchObject({ groups: 0, memberships: 0, channels: 0 });
    }
  });

  test('ends though a socket does not: the app closes its clients, and cuts them off', async () => {
    const app = appOf(
      async (ws) => {
        await ws.accept();
        await ws.receive();
        await ws.app.clock.sleep(1_000_000);
      },
      { limits: { inboundQueue: 1 } },
    );
    const t = testApp(app, over(transport));
    const ann = await t.connect('/x');
    for (let at = 0; at < 20; at += 1) ann.send('x');
    expect((await refusalOf(t.close())).message).toContain('a handler still runs');
  });
});

describe('with a hook', () => {
  /** A runner that runs its hooks when told. */
  function runner(): {
    after: (cleanup: (context?: unknown) => Promise<void>) => void;
    end: (context?: unknown) => Promise<void>;
  } {
    const hooks: ((context?: unknown) => Promise<void>)[] = [];
    return {
      after: (cleanup) => void hooks.push(cleanup),
      end: async (context) => {
        for (const hook of hooks) await hook(context);
      },
    };
  }
  const failing = (): App => echoOf((_ws, text) => Promise.reject(new Error(text)));

  test('disposal leaves the list to the hook, which throws it where the test has passed', async () => {
    const { after, end } = runner();
    const t = testApp(failing(), { after });
    (await t.connect('/x')).send('oops');
    await t.close();
    await expect(end({ task: { result: { state: 'pass' } } })).rejects.toThrow('an error that nobody saw');
    await end();
  });

  test.each([{ task: { result: { state: 'fail' } } }, { passed: false, error: new Error('x') }])(
    'the list is printed where the test has failed: %o',
    async (context) => {
      const { after, end } = runner();
      const t = testApp(failing(), { after });
      (await t.connect('/x')).send('oops');
      expect(await printedBy(() => end(context))).toContain('an error that nobody saw');
    },
  );

  test('an app that could not be put under test has nothing to clean up', async () => {
    const { after, end } = runner();
    const app = rooms();
    const t = testApp(app);
    await t.connect('/room/7');
    expect(() => testApp(app, { after })).toThrow('the app has had its first connection');
    await end();
    await t.close();
  });
});

describe('a thousand tests in one file stay apart', () => {
  const results = new Map<number, string>();

  test.concurrent.for(Array.from({ length: 1_000 }, (_, at) => at))('number %i', async (at, { expect: check }) => {
    await using t = testApp(
      echoOf(async (ws, text) => {
        await ws.join('everybody');
        await ws.app.clock.sleep(at);
        await ws.channelBox.groupSend('everybody', text);
      }),
      { strict: true },
    );
    const ann = await t.connect('/x');
    ann.sendJson(at);
    check(await ann.receiveJson({ within: at })).toBe(String(at));
    check(t.clock.monotonic()).toBe(at);
    await ann.expectNothing();
    results.set(at, 'passed');
  });

  test('all of them', () => {
    expect(results.size).toBe(1_000);
  });
});
