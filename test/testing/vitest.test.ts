import 'channelbox/testing/vitest';
import { App, consumer } from 'channelbox';
import { testApp, type TestAppOptions } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

/** What a handler waits for in real time, which is over when the test says so. */
let outside = ending();

function ending(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((end) => {
    resolve = end;
  });
  return { promise, resolve };
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A room whose members hear each other; some words are orders to it. */
function roomApp(): App {
  return new App({ logger: quiet })
    .addWsRoute(
      consumer('/room/{name}', {
        encoding: 'json',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(ws.params.name);
        },
        async onReceive(ws, said) {
          if (said === 'bye') return ws.close(4001, 'as you wish');
          if (said === 'boom') throw new Error('boom');
          if (said === 'later') await ws.app.clock.sleep(5_000);
          // real time: a handler that waits on what the clock knows nothing of
          if (said === 'outside') await outside.promise;
          await this.broadcast({ said }, ws.params.name);
        },
      }),
    )
    .wsRoute('/private', (ws) => ws.deny(new Response('members only', { status: 401, headers: { 'x-why': 'card' } })));
}

const failureOf = async (assertion: Promise<void>): Promise<Error & { actual?: unknown; expected?: unknown }> => {
  try {
    await assertion;
  } catch (error) {
    return error as Error;
  }
  throw new Error('the assertion passed');
};

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  test('a frame that matches is received, and read', async () => {
    await using t = testApp(roomApp(), options);
    const [ann, bob] = await t.connectAll(2, '/room/7');
    ann.sendJson('hi');
    await expect(bob).toReceive({ said: 'hi' });
    await expect(bob).not.toReceive();
    await expect(ann).toReceive(z.object({ said: z.literal('hi') }));
    ann.sendJson('later');
    await expect(bob).toReceive(/later/, { within: '5s' });
    await expect(ann).toReceive();
  });

  test('frames are received in order', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    for (const word of ['a', 'b', 'c', 'd']) ann.sendJson(word);
    await expect(ann).not.toReceiveInOrder([{ said: 'c' }, { said: 'b' }]);
    await expect(ann).not.toReceiveInOrder([{ said: 'a' }, { said: 'c' }]);
    await expect(ann).toReceiveInOrder([{ said: 'a' }, (frame: { said: string }) => frame.said === 'b']);
    const failure = await failureOf(expect(ann).not.toReceiveInOrder([{ said: 'c' }, { said: 'd' }]));
    expect(failure.message).toContain('frames 3 to 4 of client 1 are');
  });

  test('a close is compared by code, reason and cleanness', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    await expect(ann).not.toBeClosedWith();
    ann.sendJson('bye');
    await expect(ann).not.toBeClosedWith(1000);
    await expect(ann).toBeClosedWith();
    await expect(ann).toBeClosedWith(4001);
    await expect(ann).toBeClosedWith(4001, 'as you wish');
    await expect(ann).toBeClosedWith({ reason: 'as you wish', wasClean: true }, { within: '1s' });
  });

  test('a denial is compared by what is named', async () => {
    await using t = testApp(roomApp(), options);
    await expect(t.handshake('/nowhere')).toBeDeniedWith(404);
    await expect(t.handshake('/private')).toBeDeniedWith({ status: 401, body: /only/, headers: { 'x-why': 'card' } });
    await expect(await t.handshake('/private')).toBeDeniedWith(401, { by: 'handler' });
    await expect(t.connect('/private')).toBeDeniedWith(401);
    await expect(t.handshake('/private')).not.toBeDeniedWith(403);
    await expect(t.connect('/room/7')).not.toBeDeniedWith();
  });

  test('members are counted, and named', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7', { name: 'ann' });
    const bob = await t.connect('/room/7', { name: 'bob' });
    await expect(t).toHaveMembers('7');
    await expect(t).toHaveMembers('7', 2);
    await expect(t).toHaveMembers('7', ['bob', 'ann']);
    await expect(t).toHaveMembers('7', [ann, bob]);
    await expect(t).not.toHaveMembers('7', [ann]);
    await expect(t.app).not.toHaveMembers('8');
    bob.drop();
    await expect(t).toHaveMembers('7', [ann]);
    await expect(t.app.channelBox).toHaveMembers('7', 1);
  });

  test('a transcript is compared at rest, whatever its indentation', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7', { name: 'ann' });
    ann.sendJson('hi');
    await expect(ann).toMatchTranscript(`
      ann
        +0ms     open
        +0ms     → "hi"
        +0ms     ← {"said":"hi"}
    `);
    await expect(ann).toMatchTranscript(/← \{"said":"hi"\}$/);
    await expect(ann).not.toMatchTranscript(/closed/);
    await expect(ann).not.toMatchTranscript('ann');
  });

  test('not to receive is decided at rest, of all that is unread, and reads nothing', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    ann.sendJson('hi');
    ann.sendJson('later');
    await expect(ann).not.toReceive({ said: 'later' });
    await expect(ann).not.toReceive({ said: 'later' }, { within: '4s' });
    const failure = await failureOf(expect(ann).not.toReceive({ said: 'later' }, { within: '2s' }));
    expect(failure.message).toContain('frame 2 of client 1 is it: {"said":"later"}');
    await expect(ann).toReceiveInOrder([{ said: 'hi' }, { said: 'later' }]);
  });

  test('not to receive cannot be told while a handler waits on something outside', async () => {
    outside = ending();
    await using t = testApp(roomApp(), { ...options, watchdogMs: 20 });
    const ann = await t.connect('/room/7');
    ann.sendJson('outside');
    const failure = await failureOf(expect(ann).not.toReceive());
    expect(failure.message).toContain('cannot tell');
    expect(failure.message).toContain('/room/{name}, onReceive');
    // real time: what is outside ends in it
    setTimeout(outside.resolve, 50);
    await expect(ann).not.toReceive('something', { realMs: 200 });
    await expect(ann).toReceive({ said: 'outside' });
  });

  test('an error in a handler rejects the matcher with its own stack', async () => {
    await using t = testApp(roomApp(), options);
    const ann = await t.connect('/room/7');
    ann.sendJson('boom');
    const failure = await failureOf(expect(ann).not.toReceive());
    expect(failure.message).toBe('boom');
    expect(failure.stack).toContain('vitest.test.ts');
  });
});

test('a transcript is kept as a snapshot', async () => {
  await using t = testApp(roomApp());
  const ann = await t.connect('/room/7', { name: 'ann' });
  ann.sendJson('hi');
  await expect(ann).toMatchTranscript();
});

describe('a failure', () => {
  test('shows what was expected, what came, where, and the last frames', async () => {
    await using t = testApp(roomApp());
    const ann = await t.connect('/room/7', { name: 'ann' });
    ann.sendJson('hi');
    const failure = await failureOf(expect(ann).toReceive({ said: 'ho' }));
    expect(failure.message).toMatchInlineSnapshot(`
      "expect(ann).toReceive: frame 1 of ann is not what was expected: it differs
        expected: {"said":"ho"}
        received: {"said":"hi"}
          {
        -   "said": "ho"
        +   "said": "hi"
          }

      What happened (1 frame is unread at ann):
                 ann
        +0ms     open
        +0ms     → "hi"
        +0ms     ← {"said":"hi"}"
    `);
    expect(failure.stack).toContain('vitest.test.ts');
  });

  test('of a count names who is there', async () => {
    await using t = testApp(roomApp());
    await t.connectAll(2, '/room/7');
    expect((await failureOf(expect(t).toHaveMembers('7', ['ann']))).message).toMatchInlineSnapshot(
      `"toHaveMembers: group "7" has 2 members (client 1, client 2), expected was ann"`,
    );
    expect((await failureOf(expect(t).not.toHaveMembers('7', 2))).message).toMatchInlineSnapshot(
      `"toHaveMembers: group "7" has 2 members (client 1, client 2), expected was not 2"`,
    );
    expect((await failureOf(expect(t).toHaveMembers('8'))).message).toMatchInlineSnapshot(
      `"toHaveMembers: group "8" has 0 members, expected was any"`,
    );
  });

  test('of a denial says who denied, and how', async () => {
    await using t = testApp(roomApp());
    expect((await failureOf(expect(t.handshake('/private')).toBeDeniedWith(403))).message).toMatchInlineSnapshot(`
      "expect(handshake).toBeDeniedWith: it was denied otherwise: 401 by handler, "members only"
          {
        -   "status": 403
        +   "status": 401
          }"
    `);
    expect((await failureOf(expect(t.handshake('/room/7')).toBeDeniedWith())).message).toMatchInlineSnapshot(
      `"expect(handshake).toBeDeniedWith: it was accepted, as client 2"`,
    );
    expect((await failureOf(expect(t.handshake('/x')).not.toBeDeniedWith(404))).message).toMatchInlineSnapshot(
      `"expect(handshake).not.toBeDeniedWith: it was denied so: 404 by route"`,
    );
  });

  test('of a close and of a transcript is a difference', async () => {
    await using t = testApp(roomApp());
    const ann = await t.connect('/room/7', { name: 'ann' });
    ann.sendJson('bye');
    expect((await failureOf(expect(ann).toBeClosedWith(1000))).message).toMatchInlineSnapshot(`
      "expect(ann).toBeClosedWith: it closed otherwise
          {
        -   "code": 1000
        +   "code": 4001
          }

      What happened (no frame is unread at ann):
                 ann
        +0ms     open
        +0ms     → "bye"
        +0ms     × closed 4001 as you wish"
    `);
    expect((await failureOf(expect(ann).not.toBeClosedWith(4001))).message).toMatchInlineSnapshot(`
      "expect(ann).not.toBeClosedWith({"code":4001}): it is closed: 4001 as you wish

      What happened (no frame is unread at ann):
                 ann
        +0ms     open
        +0ms     → "bye"
        +0ms     × closed 4001 as you wish"
    `);
    expect((await failureOf(expect(ann).toMatchTranscript('ann\n  +0ms     open'))).message).toMatchInlineSnapshot(`
      "expect(ann).toMatchTranscript: the transcript differs
          ann
            +0ms     open
        +   +0ms     → "bye"
        +   +0ms     × closed 4001 as you wish"
    `);
  });

  test.each([
    ['a client, not its promise', (t: ReturnType<typeof testApp>) => expect(t.connect('/room/7')).toReceive('x')],
    ['a client', (t: ReturnType<typeof testApp>) => expect(t).toReceive('x')],
    ['an app', () => expect('room').toHaveMembers('7', 1)],
    ['a handshake', () => expect('room').toBeDeniedWith(404)],
  ])('says that a matcher is for %s', async (_, assertion) => {
    await using t = testApp(roomApp());
    await expect(assertion(t)).rejects.toMatchObject({ code: 'CHANNELBOX_MATCHER_ARGUMENT' });
  });

  test('is the one that shows: what the test left behind is printed beside it', async () => {
    const printed: unknown[] = [];
    const { error } = console;
    console.error = (text: unknown) => void printed.push(text);
    try {
      const t = testApp(roomApp(), { strict: true });
      const ann = await t.connect('/room/7');
      ann.sendJson('hi');
      await failureOf(expect(ann).not.toReceive({ said: 'hi' }));
      await t.close();
    } finally {
      console.error = error;
    }
    expect(String(printed)).toContain('1 unread at client 1');
  });
});
