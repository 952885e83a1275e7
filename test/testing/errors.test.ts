import { App, consumer } from 'channelbox';
import { testApp, type TestClient } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { appOf, echoOf, over, printedBy, refusalOf, transports } from './apps.ts';

const app = (): App =>
  echoOf(async (ws, text) => {
    if (text === 'frame first') await ws.sendText('a frame');
    if (text === 'sleep') await ws.app.clock.sleep(1_000);
    throw new Error(`failed at ${text}`);
  });

describe.each(transports)('over %s, an error of the app', (transport) => {
  test('rejects the calls that wait, at once, with its own stack', async () => {
    await using t = testApp(app(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('work');
    const refusals = await Promise.all([
      refusalOf(ann.receiveText({ within: '1h' })),
      refusalOf(bob.expect('x', { within: '1h' })),
      refusalOf(bob.expectNothing({ for: '1h' })),
      refusalOf(t.settle()),
    ]);
    for (const error of refusals) expect(error.message).toBe('failed at work');
    expect(refusals[0]?.stack).toMatch(/errors\.test\.ts:\d+/);
    expect(t.clock.monotonic()).toBe(0);
  });

  test('rejects a call that comes later, once', async () => {
    await using t = testApp(app(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('work');
    await t.clock.settle();
    await expect(bob.expectNothing()).rejects.toThrow('failed at work');
    await bob.expectNothing();
  });

  test('comes after a frame that is there', async () => {
    await using t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    ann.send('frame first');
    await ann.expect('a frame');
    await expect(ann.receive()).rejects.toThrow('failed at frame first');
  });

  test('is the result of expectClosed, and then it is seen', async () => {
    await using t = testApp(app(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('work');
    const [closed] = await Promise.all([ann.expectClosed({ code: 1011 }), bob.expectNothing()]);
    expect(closed).toEqual({ code: 1011, reason: '', wasClean: true });
    await ann.expectClosed({ code: 1011 });
  });

  test('is told where expectClosed expected another end', async () => {
    await using t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    ann.send('work');
    const error = await refusalOf(ann.expectClosed({ code: 1000 }));
    expect(error.message).toContain('The app failed: Error: failed at work');
    expect(error.cause).toMatchObject({ message: 'failed at work' });
  });

  test('before accept is the result of a handshake, and the reason of a failed connect', async () => {
    const failing = appOf(() => {
      throw new TypeError('no config');
    });
    await using t = testApp(failing, over(transport));
    const [denied, error] = await Promise.all([t.handshake('/x'), refusalOf(t.connect('/x'))]);
    expect(denied).toMatchObject({ kind: 'denied', status: 500, by: 'threw', error: { message: 'no config' } });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('no config');
  });

  test('of a middleware and of each hook is told, with its place', async () => {
    const hooks = (hook: string): App => {
      const fail = (at: string): void => {
        if (at === hook) throw new Error(`failed in ${at}`);
      };
      return new App({ logger: { debug() {}, info() {}, warn() {}, error() {} } })
        .addWsMiddleware(async (_ws, next) => {
          fail('middleware');
          await next();
        })
        .addWsRoute(
          consumer('/x', {
            encoding: 'json',
            async onConnect(ws) {
              await ws.accept();
              fail('onConnect');
            },
            onReceive: () => fail('onReceive'),
            onInvalid: () => fail('onInvalid'),
            onDisconnect: () => fail('onDisconnect'),
          }),
        );
    };
    const printed: string[] = [];
    for (const hook of ['middleware', 'onConnect', 'onReceive', 'onInvalid', 'onDisconnect']) {
      const t = testApp(hooks(hook), over(transport));
      const handshake = await t.handshake('/x');
      if (handshake.kind === 'accepted') {
        handshake.client.send(hook === 'onInvalid' ? '{' : '1');
        await t.clock.settle();
      }
      printed.push(
        hook === 'middleware'
          ? String((handshake as { error?: Error }).error?.message)
          : (await refusalOf(t.close())).message,
      );
    }
    expect(printed[0]).toBe('failed in middleware');
    for (const [at, hook] of ['onConnect', 'onReceive', 'onInvalid', 'onDisconnect'].entries()) {
      expect(printed[at + 1]).toContain(`an error that nobody saw, in /x, ${hook}, connection `);
      expect(printed[at + 1]).toContain(`Error: failed in ${hook}`);
    }
  });

  test('that nobody saw fails the end, with its stack and as the cause', async () => {
    const t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    ann.send('work');
    const error = await refusalOf(t.close());
    expect(error.message).toContain('the test left one thing behind');
    expect(error.message).toContain('errors.test.ts');
    expect(error.cause).toMatchObject({ message: 'failed at work' });
    await t.close();
  });

  test('that a forgotten wait took is told at the end', async () => {
    const t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    ann.send('work');
    void ann.expect('never');
    const { message } = await refusalOf(t.close());
    expect(message).toContain('a failure that nobody awaited (is an await missing?)');
    expect(message).toContain('failed at work');
  });

  test('of a forgotten wait itself is told at the end, and is no unhandled rejection', async () => {
    const t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    void ann.expect('never');
    void ann.expectClosed();
    void t.clock.advance(0);
    const { message } = await refusalOf(t.close());
    expect(message).toContain('the test left 2 things behind');
    expect(message).toContain('client 1.expect: "never" was expected, no frame came');
    expect(message).toContain('errors.test.ts');
  });

  test('in a handler is an object of any kind', async () => {
    await using t = testApp(
      echoOf(() => Promise.reject('just text' as unknown as Error)),
      over(transport),
    );
    const ann = await t.connect('/x');
    ann.send('x');
    const refusal: unknown = await ann.receive().catch((error: unknown) => error);
    expect(refusal).toBe('just text');
  });

  test('of its clock rejects the call that moves the clock', async () => {
    await using t = testApp(app(), over(transport));
    const ann = await t.connect('/x');
    const fail = (): never => {
      throw new Error('the timer failed');
    };
    t.clock.setTimeout(fail, 10);
    await expect(t.clock.advance(20)).rejects.toThrow('the timer failed');
    expect(t.clock.monotonic()).toBe(10);
    t.clock.setTimeout(fail, 10);
    await expect(t.clock.next()).rejects.toThrow('the timer failed');
    t.clock.setTimeout(fail, 10);
    await expect(ann.receive({ within: 20 })).rejects.toThrow('the timer failed');
    t.clock.setTimeout(fail, 10);
    await expect(ann.expectNothing({ for: 20 })).rejects.toThrow('the timer failed');
    expect(ann.isOpen).toBe(true);
  });

  test('after an assertion failed leaves that one to show: the list is printed', async () => {
    const t = testApp(app(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    await expect(bob.receive()).rejects.toThrow('a frame was expected');
    ann.send('work');
    const printed = await printedBy(() => t.close());
    expect(printed).toContain('failed at work');
  });

  test('after a handler failed the waiting call leaves that one to show', async () => {
    const t = testApp(app(), over(transport));
    const [ann, bob] = await t.connectAll(2, '/x');
    ann.send('work');
    await expect(ann.receive()).rejects.toThrow('failed at work');
    bob.send('too');
    expect(await printedBy(() => t.close())).toContain('failed at too');
  });
});

describe('a failed match', () => {
  test.each([
    ['value', (ann: TestClient) => ann.expect({ a: 2 })],
    ['text', (ann: TestClient) => ann.expect('nothing like it')],
    ['sequence', (ann: TestClient) => ann.expectSequence([{ a: 1 }, { a: 3 }])],
    ['unordered', (ann: TestClient) => ann.expectUnordered([{ a: 1 }, { a: 3 }])],
    ['waitFor', (ann: TestClient) => ann.waitFor({ a: 3 })],
    ['predicate that throws', (ann: TestClient) => ann.expect(() => JSON.parse('{') as boolean)],
    ['receiveBytes', (ann: TestClient) => ann.receiveBytes()],
    ['expectNothing', (ann: TestClient) => ann.expectNothing()],
  ])('leaves the frames where they were, and the server as it was: %s', async (_, fail) => {
    await using t = testApp(echoOf((ws, text) => ws.sendText(text)));
    const ann = await t.connect('/x');
    ann.send('{"a":1}');
    ann.send('{"a":2}');
    await refusalOf(fail(ann));
    await ann.expectSequence([{ a: 1 }, { a: 2 }]);
    ann.send('still there');
    await ann.expect('still there');
  });

  test('of receiveJson leaves it too', async () => {
    await using t = testApp(echoOf((ws, text) => ws.sendText(text)));
    const ann = await t.connect('/x');
    ann.send('no json');
    await expect(ann.receiveJson()).rejects.toThrow('it is no JSON: "no json"');
    expect(await ann.receiveText()).toBe('no json');
  });
});
