import { App, consumer, type WebSocket, type WebSocketConsumer } from 'channelbox';
import { testApp, type TestApp, type TestClient, type TestAppOptions } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { printedBy, refusalOf } from './apps.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
type Room = WebSocketConsumer<Said, { name: string }>;
interface Said {
  readonly say?: string;
  readonly move?: string;
  readonly load?: boolean;
  readonly work?: boolean;
  readonly buy?: string;
}

/** What a sound room does, one step each; a defect stands in for one of them. */
const sound = {
  accept: (ws: WebSocket): unknown => ws.accept(),
  welcome: (ws: WebSocket): unknown => ws.sendJson({ welcome: ws.id }),
  join: (room: Room): unknown => room.joinGroup(room.websocket.params.name),
  say: (room: Room, text: string, place: { at: string }): unknown => room.broadcast({ said: text }, place.at),
  move: async (room: Room, to: string, place: { at: string }): Promise<void> => {
    await room.leaveGroup(place.at);
    place.at = to;
    await room.joinGroup(to);
  },
  load: async (ws: WebSocket): Promise<void> => {
    for (const part of [1, 2, 3]) await ws.sendJson({ part });
  },
  work: async (ws: WebSocket): Promise<void> => {
    await ws.app.clock.sleep(1_000, ws.signal);
    await ws.sendJson({ worked: true });
  },
  buy: (ws: WebSocket, item: string): unknown => ws.sendJson({ bought: item, price: 5 }),
  idle: async (ws: WebSocket): Promise<void> => ws.close(4000, 'idle'),
  bye: (_room: Room): unknown => undefined,
};

function roomApp(defect: Partial<typeof sound> = {}): App {
  const steps = { ...sound, ...defect };
  return new App({ logger: quiet })
    .addWsRoute(
      consumer('/room/{name}', {
        encoding: 'json',
        async onConnect(ws) {
          await steps.accept(ws);
          await steps.welcome(ws);
          await steps.join(this as never);
          places.set(this, { at: ws.params.name });
        },
        async onReceive(ws, data: Said) {
          const place = places.get(this) as { at: string };
          if (data.say !== undefined) await steps.say(this as never, data.say, place);
          if (data.move !== undefined) await steps.move(this as never, data.move, place);
          if (data.load) await steps.load(ws);
          if (data.work) await steps.work(ws);
          if (data.buy !== undefined) await steps.buy(ws, data.buy);
        },
        onDisconnect() {
          return steps.bye(this as never);
        },
      }),
    )
    .wsRoute('/idle', async (ws) => {
      await ws.accept();
      await ws.app.clock.sleep(30_000, ws.signal);
      await steps.idle(ws);
    });
}
const places = new WeakMap<object, { at: string }>();

/** An ordinary test of the room, as its author would write it. */
async function ordinaryTest(app: App, options: TestAppOptions = {}): Promise<void> {
  await using t = testApp(app, { watchdogMs: 30, ...options });
  const [ann, bob] = await enter(t);
  await theyTalk(ann, bob);
  await annMoves(t, ann, bob);
  await annWorks(ann);
  await idleOnesLeave(t);
  await bob.close();
  await t.settle();
  expect(t.app.inspect().connections, 'connections').toBe(1);
}

async function enter(t: TestApp): Promise<[TestClient, TestClient]> {
  const ann = await t.connect('/room/7', { name: 'ann' });
  const bob = await t.connect('/room/7', { name: 'bob' });
  for (const client of [ann, bob]) await client.expect({ welcome: expect.any(String) });
  return [ann, bob];
}

async function theyTalk(ann: TestClient, bob: TestClient): Promise<void> {
  ann.sendJson({ say: 'hi' });
  bob.sendJson({ say: 'ho' });
  for (const client of [ann, bob]) {
    await client.expectSequence([{ said: 'hi' }, { said: 'ho' }]);
    await client.expectNothing();
  }
}

async function annMoves(t: TestApp, ann: TestClient, bob: TestClient): Promise<void> {
  ann.sendJson({ move: '8' });
  await t.settle();
  bob.sendJson({ say: 'still here?' });
  await bob.expect({ said: 'still here?' });
  await ann.expectNothing();
}

async function annWorks(ann: TestClient): Promise<void> {
  ann.sendJson({ load: true });
  await ann.expectSequence([{ part: 1 }, { part: 2 }, { part: 3 }]);
  ann.sendJson({ work: true });
  await ann.expectNothing({ for: 999 });
  await ann.expect({ worked: true }, { within: 1 });
  ann.sendJson({ buy: 'tea' });
  await ann.expect({ bought: 'tea', price: 5 });
}

async function idleOnesLeave(t: TestApp): Promise<void> {
  const cid = await t.connect('/idle', { name: 'cid' });
  await cid.expectClosed({ code: 4000, reason: 'idle', wasClean: true }, { within: '30s' });
}

test('the sound room passes', async () => {
  await expect(ordinaryTest(roomApp(), { strict: true })).resolves.toBeUndefined();
  await expect(ordinaryTest(roomApp(), { strict: true, transport: 'tcp' })).resolves.toBeUndefined();
});

const defects: [name: string, defect: Partial<typeof sound>, message: string | RegExp][] = [
  [
    'leaves a group behind',
    {
      move: async (room, to, place) => {
        place.at = to;
        await room.joinGroup(to);
      },
    },
    'ann.expectNothing: got {"said":"still here?"}',
  ],
  [
    'forgets to join',
    { join: () => undefined },
    'ann.expectSequence: {"said":"hi"} was expected as frame 1 of 2, 0 came',
  ],
  [
    'swallows an error',
    {
      buy: async (ws) => {
        try {
          await ws.sendJson({ bought: 5n });
        } catch {
          /* nobody will know */
        }
      },
    },
    'ann.expect: {"bought":"tea","price":5} was expected, no frame came and nothing is on its way',
  ],
  [
    'throws',
    {
      buy: () => {
        throw new Error('out of stock');
      },
    },
    'out of stock',
  ],
  [
    'throws at the end',
    {
      bye: () => {
        throw new Error('cannot save');
      },
    },
    'cannot save',
  ],
  [
    'sends to the wrong room',
    { say: (room, text) => room.broadcast({ said: text }, 'lobby') },
    '{"said":"hi"} was expected as frame 1 of 2, 0 came',
  ],
  [
    'sends to the sender alone',
    { say: (room, text) => room.sendJson({ said: text }) },
    '{"said":"ho"} was expected as frame 2 of 2, 1 came',
  ],
  [
    'sends to everybody but the sender',
    { say: (room, text, { at }) => room.broadcast({ said: text }, at, { except: room.channel }) },
    'frame 2 of ann is not what was expected',
  ],
  [
    'sends twice',
    {
      buy: async (ws, item) => {
        await ws.sendJson({ bought: item, price: 5 });
        await ws.sendJson({ bought: item, price: 5 });
      },
    },
    '1 unread at ann: {"bought":"tea","price":5}',
  ],
  [
    'answers out of order',
    {
      load: async (ws) => {
        for (const part of [2, 1, 3]) await ws.sendJson({ part });
      },
    },
    /frame \d of ann is not what was expected: as 1 of 3/,
  ],
  [
    'loses a part',
    {
      load: async (ws) => {
        for (const part of [1, 3]) await ws.sendJson({ part });
      },
    },
    'as 2 of 3, it differs',
  ],
  ['never accepts', { accept: () => new Promise(() => {}) }, '/room/7 was denied with 503 by the accept timeout'],
  ['denies', { accept: (ws) => ws.close(4003) }, '/room/7 was denied with 403 by the handler with close(4003)'],
  [
    'forgets a timer',
    {
      welcome: async (ws) => {
        ws.app.clock.setTimeout(() => {}, 3_600_000, 'farewell');
        await ws.sendJson({ welcome: ws.id });
      },
    },
    /a timer \(farewell\) is left, due in \d+ ms, set by \/room\/\{name\}, onDisconnect/,
  ],
  [
    'answers too early',
    { work: (ws) => ws.sendJson({ worked: true }) as Promise<never> },
    'ann.expectNothing: got {"worked":true}',
  ],
  [
    'answers too late',
    {
      work: async (ws) => {
        await ws.app.clock.sleep(5_000);
        await ws.sendJson({ worked: true });
      },
    },
    'ann.expect: {"worked":true} was expected, no frame came within 1 ms',
  ],
  [
    'outlives its client',
    { bye: (room) => room.websocket.app.clock.sleep(3_600_000) },
    /a handler still runs after its client has left: \/room\/\{name\}, onDisconnect, .*last call: clock\.sleep/,
  ],
  [
    'waits on something that never comes',
    { work: () => new Promise(() => {}) },
    /ann\.expectNothing: cannot tell, .*\n.*\/room\/\{name\}, onReceive/,
  ],
  [
    'closes with the wrong code',
    { idle: (ws) => ws.close(1000, 'idle') },
    /cid\.expectClosed: it closed otherwise\n[^]*- {3}"code": 4000\n[^]*\+ {3}"code": 1000/,
  ],
  [
    'never closes',
    {
      idle: async (ws) => {
        await ws.receive();
      },
    },
    'cid.expectClosed: the connection is open after 30000 ms',
  ],
  [
    'sends another shape',
    { buy: (ws, item) => ws.sendJson({ bought: item, price: '5' }) },
    /- {3}"price": 5\n[^]*\+ {3}"price": "5"/,
  ],
  ['sends text for JSON', { buy: (ws) => ws.sendText('bought tea') }, 'it is no JSON'],
];

describe('an ordinary test catches a room that', () => {
  test.each(defects)('%s', async (_, defect, message) => {
    let error: Error | undefined;
    await printedBy(async () => {
      error = await refusalOf(ordinaryTest(roomApp(defect), { strict: true }));
    });
    expect(error?.message).toMatch(message);
  });

  test('are twenty at least', () => {
    expect(defects.length).toBeGreaterThanOrEqual(20);
  });
});
