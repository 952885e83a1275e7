import { App, consumer } from 'channelbox';
import { testApp, type TestAppOptions } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { appOf, echoOf, over as overTransport, printedBy, refusalOf, rooms, transports } from './apps.ts';

/** With a watchdog that a test can wait for. */
function over(transport: 'memory' | 'tcp', options: TestAppOptions = {}): TestAppOptions {
  return overTransport(transport, { watchdogMs: 60, ...options });
}

/** A promise that the test resolves, as a database would. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe.each(transports)('over %s, a parked handler', (transport) => {
  test('is waited for in real time, without any virtual', async () => {
    await using t = testApp(
      echoOf(async (ws, text) => {
        await new Promise((resolve) => setTimeout(resolve, 20)); // real time: what a handler outside of the kit waits for
        await ws.sendText(text);
      }),
      over(transport, { watchdogMs: 1_000 }),
    );
    const ann = await t.connect('/x');
    ann.send('hi');
    await ann.expect('hi');
    expect(t.clock.monotonic()).toBe(0);
  });

  test('before accept holds a handshake as long', async () => {
    await using t = testApp(
      appOf(async (ws) => {
        await new Promise((resolve) => setTimeout(resolve, 20)); // real time: what a handler outside of the kit waits for
        await ws.accept();
        await ws.receive();
      }),
      over(transport, { watchdogMs: 1_000 }),
    );
    await t.connect('/x');
    expect(t.clock.monotonic()).toBe(0);
  });

  test('gets its real time once, and anew each time it calls the framework', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(async (ws) => {
        await new Promise((resolve) => setTimeout(resolve, 40)); // real time: what a handler outside of the kit waits for
        await ws.sendText('half');
        await new Promise((resolve) => setTimeout(resolve, 40)); // real time: what a handler outside of the kit waits for
        await ws.sendText('all');
        await passed;
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('go');
    // Together longer than the watchdog.
    await ann.expectSequence(['half', 'all']);
    await refusalOf(ann.expectNothing());
    // A watchdog each would outlast the test.
    for (let round = 0; round < 1_000; round += 1) await refusalOf(ann.expectNothing());
    open();
    await t.settle();
  });

  test('gets no less of it where the machine does not run the process for a while', async () => {
    await using t = testApp(
      echoOf(async (ws, text) => {
        await new Promise((resolve) => setTimeout(resolve, 40)); // real time: what a handler outside of the kit waits for
        await ws.sendText(text);
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    for (const round of ['1', '2', '3', '4', '5', '6']) {
      ann.send(round);
      const begunAt = performance.now();
      const stall = (): void => {
        if (performance.now() - begunAt < 20) setImmediate(stall);
        else while (performance.now() - begunAt < 100);
      };
      setImmediate(stall);
      await ann.expect(round);
    }
  });

  test('gets no less of it where the process is held up in the very turn in which it begins', async () => {
    await using t = testApp(
      echoOf(async (ws, text) => {
        for (const untilMs = performance.now() + 100; performance.now() < untilMs;);
        await new Promise((resolve) => setTimeout(resolve, 40)); // real time: what a handler outside of the kit waits for
        await ws.sendText(text);
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('hi');
    await ann.expect('hi');
  });

  test('keeps expectNothing and settle from telling, and they say who waits where', async () => {
    const { passed, open } = gate();
    const app = new App({ logger: { debug() {}, info() {}, warn() {}, error() {} } }).addWsRoute(
      consumer('/desk/{name}', {
        async onReceive(ws) {
          await ws.sendText('looking');
          await passed;
        },
      }),
    );
    await using t = testApp(app, over(transport));
    const ann = await t.connect('/desk/7');
    ann.send('find');
    await ann.expect('looking');
    for (const error of [await refusalOf(ann.expectNothing()), await refusalOf(t.settle())]) {
      expect(error.message).toContain('cannot tell');
      expect(error.message).toMatch(
        /\/desk\/\{name\}, onReceive, connection [0-9a-f-]{36} of client 1, last call: send/,
      );
      expect(error.message).toContain('parked.test.ts');
      expect(error.message).toContain('ws.app.clock.sleep()');
      expect(error.stack).toMatch(/at .*parked\.test\.ts/);
    }
    await refusalOf(ann.expectNothing({ for: '10s' }));
    expect(t.clock.monotonic()).toBe(10_000);
    open();
    await t.settle();
  });

  test('is accepted where realMs says so', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(async (ws, text) => {
        if (text === 'never') await passed;
        await new Promise((resolve) => setTimeout(resolve, 20)); // real time: what a handler outside of the kit waits for
        await ws.sendText(text);
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('never');
    await t.settle({ realMs: 10 });
    await ann.expectNothing({ realMs: 10 });
    open();
    ann.send('soon');
    await t.settle({ realMs: 500 });
    await ann.expectSequence(['never', 'soon']);
  });

  test('beside a frame that is there matters nothing', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(async (ws, text) => {
        await ws.sendText(text);
        await passed;
      }),
      over(transport, { watchdogMs: 60_000 }),
    );
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('hi');
    await ann.expect('hi');
    bob.send('ho');
    // A watchdog would outlast the test.
    await expect(bob.expect('hi')).rejects.toThrow('not what was expected');
    open();
    await t.settle();
  });

  test('is named by a wait that failed beside it', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(() => passed),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('hi');
    const { message } = await refusalOf(ann.expect('hi'));
    expect(message).toContain('What is missing may come later: a handler waits on something outside');
    expect(message).toMatch(/\/x, handler, connection .* of client 1, last call: receiveText/);
    open();
    await t.settle();
  });

  test('that another handler wakes goes on', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(async (ws, text) => {
        if (text === 'wait') await passed;
        else open();
        await ws.sendText(text);
      }),
      over(transport, { watchdogMs: 1_000 }),
    );
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('wait');
    bob.send('wake');
    await ann.expect('wait');
    await bob.expect('wake');
  });

  test('is given up: time moves on without it', async () => {
    const { passed, open } = gate();
    await using t = testApp(
      echoOf(async (ws, text) => {
        if (text === 'stuck') await passed;
        else await ws.app.clock.sleep(5_000);
        await ws.sendText(text);
      }),
      over(transport),
    );
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('stuck');
    bob.send('sleep');
    await bob.expect('sleep', { within: '10s' });
    expect(t.clock.monotonic()).toBe(5_000);
    open();
    await ann.expect('stuck');
  });

  test('that moves the clock itself is no deadlock', async () => {
    await using t = testApp(
      echoOf(async (ws, text) => {
        await (ws.app.clock as unknown as { advance(ms: number): Promise<void> }).advance(1_000);
        await ws.sendText(text);
      }),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('hi');
    await ann.expect('hi');
    expect(t.clock.monotonic()).toBe(1_000);
  });

  test('never keeps a handshake: it ends as a 503, as does one that calls nothing at all', async () => {
    const t = testApp(
      appOf(() => new Promise(() => {})),
      over(transport),
    );
    expect(await t.handshake('/x')).toMatchObject({ kind: 'denied', status: 503, by: 'timeout' });
    expect(t.clock.monotonic()).toBe(10_000);
    await expect(t.connect('/x')).rejects.toThrow('503 by the accept timeout');
    expect(await printedBy(() => t.close())).toContain('a handler still runs');
  });

  test('never keeps a handshake without an accept timeout', async () => {
    const t = testApp(
      appOf(() => new Promise(() => {}), { limits: { acceptTimeoutMs: Infinity } }),
      over(transport),
    );
    await expect(t.handshake('/x')).rejects.toThrow('neither accepted nor denied');
    expect(await printedBy(() => t.close())).toContain('a handler still runs');
  });
});

test('an app that never comes to rest is told as such', async () => {
  await using t = testApp(
    echoOf(async (ws, text) => {
      for (; text === 'pour' && ws.isConnected();) {
        await ws.sendText('drop');
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
    over('memory'),
  );
  const [ann, bob] = await t.connectAll(2, '/x');
  ann.send('pour');
  expect((await refusalOf(bob.expectNothing())).message).toContain('cannot tell');
  await bob.expectNothing({ realMs: 5 });
  await ann.expect('drop');
  ann.drop();
  await t.settle();
});

test('who is idle in a room is not parked', async () => {
  await using t = testApp(rooms(), over('memory', { watchdogMs: 60_000 }));
  const [ann] = await t.connectAll(50, '/room/7');
  await ann.expectNothing({ for: '20s' });
  await t.settle();
});
