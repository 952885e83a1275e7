import { App, consumer } from 'channelbox';
import { testApp, type TestClient } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { printedBy, refusalOf } from './apps.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A shop with faults that its users ask for. */
function shop(): App {
  return new App({ logger: quiet })
    .addWsRoute(
      consumer('/shop/{id}', {
        encoding: 'json',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(ws.params.id);
        },
        async onReceive(ws, order: { do?: string; item?: string; count?: number }) {
          if (order.do === 'fail') throw new RangeError('no such item');
          if (order.do === 'look up') await new Promise(() => {});
          if (order.do === 'sleep') await ws.app.clock.sleep(60_000);
          if (order.do === 'remind') ws.app.clock.setTimeout(() => {}, 30_000, 'reminder');
          await this.broadcast({ ordered: order.item, count: order.count }, ws.params.id);
        },
      }),
    )
    .wsRoute('/closed', (ws) => ws.deny(new Response('come back on Monday', { status: 503 })));
}

/** The message as a user reads it, without what differs from run to run. */
async function messageOf(
  body: (ann: TestClient, bob: TestClient, t: ReturnType<typeof testApp>) => Promise<unknown>,
): Promise<string> {
  const t = testApp(() => shop(), { watchdogMs: 20 });
  const [ann, bob] = await t.connectAll(2, '/shop/7', (index) => ({ name: ['ann', 'bob'][index] as string }));
  const { message } = await refusalOf(body(ann, bob, t));
  if (!message.includes('left')) await printedBy(() => t.close());
  return message
    .replaceAll(/[0-9a-f-]{36}/g, '<id>')
    .replaceAll(/\(?(?:file:\/\/)?\/\S*\/test\/testing\/(\S+?):\d+:\d+\)?/g, '($1)');
}

describe('a failure reads well', () => {
  test('1. a value that differs: a diff, and where in the sequence', async () => {
    const message = await messageOf(async (ann, bob) => {
      ann.sendJson({ item: 'tea', count: 1 });
      await bob.expect({ ordered: 'tea', count: 1 });
      ann.sendJson({ item: 'tea', count: 2 });
      await bob.expect({ ordered: 'tea', count: 3, paid: false });
    });
    expect(message).toMatchInlineSnapshot(`
      "bob.expect: frame 2 of bob is not what was expected: it differs
        expected: {"ordered":"tea","count":3,"paid":false}
        received: {"ordered":"tea","count":2}
          {
        -   "count": 3
        +   "count": 2
            "ordered": "tea"
        -   "paid": false
          }

      What happened (1 frame is unread at bob):
                 ann                            bob
        +0ms     open
        +0ms                                    open
        +0ms     → {"item":"tea","count":1}
        +0ms     ← {"ordered":"tea","count":1}
        +0ms                                    ← {"ordered":"tea","count":1}
        +0ms     → {"item":"tea","count":2}
        +0ms     ← {"ordered":"tea","count":2}
        +0ms                                    ← {"ordered":"tea","count":2}"
    `);
  });

  test('2. nothing came', async () => {
    expect(await messageOf((ann) => ann.expect({ ordered: 'tea' }))).toMatchInlineSnapshot(`
      "ann.expect: {"ordered":"tea"} was expected, no frame came and nothing is on its way

      What happened (no frame is unread at ann):
                 ann   bob
        +0ms     open
        +0ms           open"
    `);
  });

  test('3. nothing came in time', async () => {
    const message = await messageOf(async (ann) => {
      ann.sendJson({ do: 'sleep', item: 'tea' });
      await ann.expect({ ordered: 'tea' }, { within: '59s' });
    });
    expect(message).toMatchInlineSnapshot(`
      "ann.expect: {"ordered":"tea"} was expected, no frame came within 59000 ms

      What happened (no frame is unread at ann):
                 ann                            bob
        +0ms     open
        +0ms                                    open
        +0ms     → {"do":"sleep","item":"tea"}"
    `);
  });

  test('4. a sequence out of order', async () => {
    const message = await messageOf(async (ann, bob) => {
      ann.sendJson({ item: 'milk' });
      ann.sendJson({ item: 'tea' });
      await bob.expectSequence([{ ordered: 'tea' }, { ordered: 'milk' }]);
    });
    expect(message).toMatchInlineSnapshot(`
      "bob.expectSequence: frame 1 of bob is not what was expected: as 1 of 2, it differs
        expected: {"ordered":"tea"}
        received: {"ordered":"milk"}
          {
        -   "ordered": "tea"
        +   "ordered": "milk"
          }

      What happened (2 frames are unread at bob):
                 ann                   bob
        +0ms     open
        +0ms                           open
        +0ms     → {"item":"milk"}
        +0ms     → {"item":"tea"}
        +0ms     ← {"ordered":"milk"}
        +0ms     ← {"ordered":"tea"}
        +0ms                           ← {"ordered":"milk"}
        +0ms                           ← {"ordered":"tea"}"
    `);
  });

  test('5. frames that fit none of those expected', async () => {
    const message = await messageOf(async (ann, bob) => {
      ann.sendJson({ item: 'milk' });
      ann.sendJson({ item: 'soap' });
      await bob.expectUnordered([{ ordered: 'tea' }, { ordered: 'milk' }]);
    });
    expect(message).toMatchInlineSnapshot(`
      "bob.expectUnordered: frame 2 of bob is not what was expected: {"ordered":"soap"} fits none of those still expected: {"ordered":"tea"}

      What happened (2 frames are unread at bob):
                 ann                   bob
        +0ms     open
        +0ms                           open
        +0ms     → {"item":"milk"}
        +0ms     → {"item":"soap"}
        +0ms     ← {"ordered":"milk"}
        +0ms     ← {"ordered":"soap"}
        +0ms                           ← {"ordered":"milk"}
        +0ms                           ← {"ordered":"soap"}"
    `);
  });

  test('6. a schema refuses', async () => {
    const message = await messageOf(async (ann) => {
      ann.sendJson({ item: 'tea', count: 1 });
      await ann.expect(z.object({ ordered: z.string(), count: z.string() }));
    });
    expect(message).toMatchInlineSnapshot(`
      "ann.expect: frame 1 of ann is not what was expected: the schema refuses it: Invalid input: expected string, received number
        expected: a value of the schema (zod)
        received: {"ordered":"tea","count":1}

      What happened (1 frame is unread at ann):
                 ann                            bob
        +0ms     open
        +0ms                                    open
        +0ms     → {"item":"tea","count":1}
        +0ms     ← {"ordered":"tea","count":1}
        +0ms                                    ← {"ordered":"tea","count":1}"
    `);
  });

  test('7. something came where nothing was expected', async () => {
    const message = await messageOf(async (ann, bob) => {
      ann.sendJson({ item: 'tea' });
      await bob.expectNothing({ for: '1s' });
    });
    expect(message).toMatchInlineSnapshot(`
      "bob.expectNothing: got {"ordered":"tea"}

      What happened (1 frame is unread at bob):
                 ann                  bob
        +0ms     open
        +0ms                          open
        +0ms     → {"item":"tea"}
        +0ms     ← {"ordered":"tea"}
        +0ms                          ← {"ordered":"tea"}"
    `);
  });

  test('8. it cannot tell whether nothing comes', async () => {
    const message = await messageOf(async (ann, bob) => {
      ann.sendJson({ do: 'look up' });
      await bob.expectNothing();
    });
    expect(message).toMatchInlineSnapshot(`
      "bob.expectNothing: cannot tell, because a handler waits on something outside of the test's reach:
        - /shop/{id}, onReceive, connection <id> of ann, last call: none since its frame came
      If it is a pause, let it wait by ws.app.clock.sleep(), which the test moves; if it is real work, give it real time, or accept a real pause here with { realMs }."
    `);
  });

  test('9. closed otherwise, by an error', async () => {
    const message = await messageOf(async (ann) => {
      ann.sendJson({ do: 'fail' });
      await ann.expectClosed({ code: 1000 });
    });
    expect(message).toMatchInlineSnapshot(`
      "ann.expectClosed: it closed otherwise
          {
        -   "code": 1000
        +   "code": 1011
          }
      The app failed: RangeError: no such item

      What happened (no frame is unread at ann):
                 ann              bob
        +0ms     open
        +0ms                      open
        +0ms     → {"do":"fail"}
        +0ms     × closed 1011"
    `);
  });

  test('10. open where it should be closed', async () => {
    expect(await messageOf((ann) => ann.expectClosed({ code: 4000 }, { within: '1s' }))).toMatchInlineSnapshot(`
      "ann.expectClosed: the connection is open after 1000 ms

      What happened (no frame is unread at ann):
                 ann   bob
        +0ms     open
        +0ms           open"
    `);
  });

  test('11. denied', async () => {
    expect(await messageOf((_ann, _bob, t) => t.connect('/closed'))).toMatchInlineSnapshot(
      `"/closed was denied with 503 by the handler: come back on Monday; use handshake() where that is expected"`,
    );
  });

  test('12. what a test left behind', async () => {
    const message = await messageOf(async (ann, bob, t) => {
      ann.sendJson({ do: 'remind', item: 'tea' });
      ann.sendJson({ do: 'sleep' });
      bob.sendJson({ do: 'fail' });
      await t.clock.settle();
      void bob.expect({ ordered: 'tea' });
      void bob.expect({ ordered: 'soap' });
      await t.close();
    });
    expect(message).toMatchInlineSnapshot(`
      "the test left 2 things behind:
        • a handler still runs after its client has left: /shop/{id}, onReceive, connection <id> of ann, last call: clock.sleep
              at ObjectConsumer.onReceive (failures.test.ts)
          Let it end with its client (ws.signal tells), or move the clock as far as it waits.
        • a failure that nobody awaited (is an await missing?):
          RangeError: no such item
              at ObjectConsumer.onReceive (failures.test.ts)"
    `);
  });

  test('and points at the line of the test', async () => {
    const t = testApp(shop());
    const ann = await t.connect('/shop/7');
    const error = await refusalOf(ann.expect('x'));
    expect(error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '))).toContain('failures.test.ts');
    expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION' });
    await t.close();
  });
});

test('a failure shows what was compared once: a runner is not asked for a diff beside that of the message', async () => {
  const app = new App({ logger: { debug() {}, info() {}, warn() {}, error() {} } }).wsRoute('/e', async (ws) => {
    await ws.accept();
    await ws.sendJson({ one: 1 });
    await ws.sendText('two');
    await ws.close(4000, 'a reason');
  });
  const t = testApp(app);
  const ann = await t.connect('/e');
  const failed = async (wait: Promise<unknown>): Promise<{ message: string; showDiff: boolean; actual: unknown }> =>
    (await wait.catch((error: unknown) => error)) as never;
  expect(await failed(ann.expect({ one: 2 }))).toMatchObject({ showDiff: false, actual: { one: 1 } });
  await ann.receive();
  expect(await failed(ann.expect('three'))).toMatchObject({ showDiff: false, actual: 'two' });
  const closed = await failed(ann.expectClosed({ code: 1000 }));
  expect(closed).toMatchObject({ showDiff: false, actual: { code: 4000 } });
  expect(closed.message.split('What happened')[0]).not.toContain('reason');
  await t.close();
});
