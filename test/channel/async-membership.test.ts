import { App, ChannelBox, LayerError, type ChannelBoxOptions, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { randomFrom } from '../layer/broker.ts';
import { AsyncLayer } from '../layer/async-layer.ts';
import { ManualClock, turn } from '../manual-clock.ts';
import type { Box } from '../../src/channel/box.ts';
import type { SocketChannel } from '../../src/channel/channel.ts';
import { Peers } from '../peers.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const noAnswer = new LayerError('CHANNELBOX_LAYER_DEADLINE', 'no answer');

/** One app over one layer; sockets do what the test lets them. */
class Room implements AsyncDisposable {
  readonly layer: AsyncLayer;
  readonly clock = new ManualClock();
  readonly app: App;
  readonly sockets: ServerWebSocket[] = [];
  readonly peers: Peers;

  constructor(layer: AsyncLayer, options: ChannelBoxOptions & { maxBufferedBytes?: number } = {}) {
    this.layer = layer;
    const { maxBufferedBytes = 1_048_576, ...box } = options;
    this.app = new App({
      channelBox: new ChannelBox({ layer, ...box }),
      clock: this.clock,
      logger: silent,
      limits: { maxBufferedBytes },
    });
    this.app.wsRoute('/', async (ws) => {
      await ws.accept();
      this.sockets.push(ws);
      for await (const _ of ws);
    });
    this.peers = new Peers(this.app);
  }

  async socket(): Promise<ServerWebSocket> {
    await this.peers.connect('/');
    return this.sockets.at(-1) as ServerWebSocket;
  }

  /** Who is where, as the box has it. */
  get local(): Box['local'] {
    return (this.app.channelBox as Box).local;
  }

  get memberships(): number {
    return this.app.inspect().memberships;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = this.app.close();
    await turn(20);
    this.clock.advance(60_000);
    await closing;
  }
}

function slow(call: string, turns: number): AsyncLayer {
  return new AsyncLayer((asked) => (asked === call ? turns : 1));
}

test('metadata that is on its way when its channel leaves announces nobody anew', async () => {
  await using room = new Room(slow('announce', 8));
  const ws = await room.socket();
  await Promise.all([ws.join('a'), ws.join('b')]);

  void ws.channel.setMetadata({ mood: 'good' });
  void ws.close();
  await turn(40);

  expect(await room.app.channelBox.members('a')).toEqual([]);
  expect(await room.app.channelBox.members('b')).toEqual([]);
});

test('a channel that leaves while its join is announced is nobody', async () => {
  await using room = new Room(slow('announce', 8));
  const ws = await room.socket();
  void ws.join('a');
  await ws.leave('a');
  await turn(40);
  expect(await room.app.channelBox.members('a')).toEqual([]);
});

test('a channel that leaves and comes back at once is a member, however late its leaving is answered', async () => {
  await using room = new Room(slow('retire', 8));
  const ws = await room.socket();
  await ws.join('a');
  void ws.leave('a');
  await ws.join('a');
  await turn(40);
  expect(await room.app.channelBox.members('a')).toHaveLength(1);
});

test('metadata that changes faster than the layer answers ends with the newest', async () => {
  const layer = slow('announce', 8);
  await using room = new Room(layer);
  const ws = await room.socket();
  await ws.join('a');
  await Promise.all([1, 2, 3, 4, 5].map((n) => ws.channel.setMetadata({ n })));
  expect((await room.app.channelBox.members('a')).map(({ metadata }) => metadata)).toEqual([{ n: 5 }]);
  expect(layer.calls.filter((call) => call === 'announce a')).toHaveLength(3);
});

test('a join that fails late does not undo the one that came after it', async () => {
  const layer = slow('subscribe', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  layer.fail = (call) => {
    if (call === 'subscribe') throw noAnswer;
  };
  const first = ws.join('g').catch((error: unknown) => error);
  await ws.leave('g');
  layer.fail = () => {};
  expect(await ws.join('g')).toBe('CHANNEL_ADDED');
  expect(await first).toBe(noAnswer);
  expect(room.memberships).toBe(1);
});

test('joining again is answered when the first join is, and fails with it', async () => {
  const layer = slow('subscribe', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  void ws.join('g');
  const asked = layer.calls.length;
  expect(await ws.join('g')).toBe('CHANNEL_EXIST');
  expect([asked, layer.answered]).toEqual([2, 2]);

  layer.fail = (call) => {
    if (call === 'announce') throw noAnswer;
  };
  const both = await Promise.allSettled([ws.join('h'), ws.join('h')]);
  expect(both.map((one) => one.status)).toEqual(['rejected', 'rejected']);
  expect(room.memberships).toBe(1);
});

test('who joins just as the subscription has failed subscribes anew', async () => {
  const layer = new AsyncLayer();
  await using room = new Room(layer);
  const [ann, bob] = [await room.socket(), await room.socket()];
  layer.fail = (call) => {
    if (call === 'subscribe') throw noAnswer;
  };
  let late: Promise<unknown> | undefined;
  const subscribe = layer.subscribe.bind(layer);
  layer.subscribe = (group) => {
    const subscribing = subscribe(group);
    layer.subscribe = subscribe;
    // Its own rejection is the first to be heard of: nobody of the box has left by then.
    subscribing.catch(() => {
      queueMicrotask(() => {
        layer.fail = () => {};
        late = bob.join('g');
      });
    });
    return subscribing;
  };
  await expect(ann.join('g')).rejects.toBe(noAnswer);
  await turn(10);

  expect(await late).toBe('CHANNEL_ADDED');
  expect(layer.subscribed).toContain('g');
  expect(room.memberships).toBe(1);
});

test('a layer that throws at once lets nobody in either, and harms nobody who leaves', async () => {
  const layer = new AsyncLayer();
  await using room = new Room(layer);
  const ws = await room.socket();
  const fail = (): never => {
    throw noAnswer;
  };
  const works = { subscribe: layer.subscribe, announce: layer.announce };
  for (const call of ['subscribe', 'announce'] as const) {
    Object.assign(layer, works, { [call]: fail });
    await expect(ws.join('g')).rejects.toBe(noAnswer);
    expect(room.memberships).toBe(0);
  }
  Object.assign(layer, works);
  await ws.join('g');
  Object.assign(layer, { retire: fail, unsubscribe: fail });
  expect(await ws.leave('g')).toBe('GROUP_REMOVED');
});

test('a join that fails when its socket has closed meanwhile is the value of a closed one', async () => {
  const layer = slow('subscribe', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  layer.fail = (call) => {
    if (call === 'subscribe') throw noAnswer;
  };
  const joining = ws.join('g');
  void ws.close();
  expect(await joining).toBe('CHANNEL_CLOSED');
});

test('a resume that fails does not undo a join that was answered meanwhile, and its frames are not lost', async () => {
  const layer = slow('history', 8);
  await using room = new Room(layer);
  const peer = await room.peers.connect('/');
  const ws = room.sockets[0] as ServerWebSocket;
  layer.fail = (call) => {
    if (call === 'history') throw noAnswer;
  };
  const resuming = ws.resume('g').catch((error: unknown) => error);
  expect(await ws.join('g')).toBe('CHANNEL_EXIST');
  await room.app.channelBox.groupSend('g', 'kept', { saveHistory: true });

  expect(await resuming).toBe(noAnswer);
  await turn(5);

  expect(room.memberships).toBe(1);
  expect(peer.texts).toEqual(['"kept"']);
});

test('two resumes of one group that both fail leave no member behind', async () => {
  const layer = slow('history', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  layer.fail = (call) => {
    if (call === 'history') throw noAnswer;
  };
  await Promise.allSettled([ws.resume('g'), ws.resume('g')]);
  expect(room.memberships).toBe(0);
});

test('who leaves while its resume is under way hears nothing of the group any more', async () => {
  await using room = new Room(slow('history', 8));
  const peer = await room.peers.connect('/');
  const ws = room.sockets[0] as ServerWebSocket;
  const resuming = ws.resume('g');
  await turn(4);
  await room.app.channelBox.groupSend('g', 'unsaved');
  await ws.leave('g');
  await resuming;
  await turn(5);
  expect([peer.texts, room.memberships]).toEqual([[], 0]);
});

test('bytes that a page has taken over are held by nobody, and count against nobody', async () => {
  await using room = new Room(slow('subscribe', 8), { maxBufferedBytes: 2_000 });
  const peer = await room.peers.connect('/');
  const ws = room.sockets[0] as ServerWebSocket;
  const say = (): Promise<object> => room.app.channelBox.groupSend('g', 'x'.repeat(900), { saveHistory: true });
  const resuming = ws.resume('g', { first: () => ws.app.clock.sleep(100) });
  // Far more than may wait, while the layer is slow: the newcomer is not.
  for (let count = 0; count < 5; count += 1) expect(await say()).toMatchObject({ queued: 1 });
  await turn(20);
  expect(await say()).toMatchObject({ queued: 1 });
  room.clock.advance(100);
  const page = await resuming;
  await turn(2);

  expect(page.messages).toHaveLength(5);
  expect([peer.texts.length, peer.closed]).toEqual([1, undefined]);
});

test('a saved message that reached a member in its resume and was trimmed before the page was read is told', async () => {
  const layer = slow('subscribe', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  const resuming = ws.resume('g');
  await room.app.channelBox.groupSend('g', 1, { saveHistory: true });
  await room.app.channelBox.groupSend('g', 2, { saveHistory: true });
  layer.entries.shift();

  const page = await resuming;
  expect([page.messages.map(({ payload }) => payload), page.recovered]).toEqual([[2], false]);
});

test('a member whose position is ahead of what this node has delivered has missed nothing of it', async () => {
  const layer = slow('subscribe', 4);
  await using room = new Room(layer);
  const ws = await room.socket();
  const resuming = ws.resume('g', { since: { epoch: 'e', offset: 2 } });
  for (const n of [1, 2, 3]) await room.app.channelBox.groupSend('g', n, { saveHistory: true });
  layer.entries.splice(0, 2);
  expect(await resuming).toMatchObject({ messages: [{ payload: 3 }], recovered: true });
});

test('what the layer missed reaches onMissed before anything newer, and an onMissed that throws harms nobody', async () => {
  const layer = new AsyncLayer();
  const missed: unknown[] = [];
  const errors: unknown[] = [];
  let fails = (): unknown => undefined;
  const box = new ChannelBox({
    layer,
    onMissed: (group, what) => {
      missed.push([group, what]);
      return fails() as undefined;
    },
  });
  await using app = new App({ channelBox: box, logger: { ...silent, error: (...entry) => errors.push(entry) } });
  const what = { reason: 'trimmed', saved: true, position: undefined } as const;
  layer.context.local.missed('g', what);
  expect(missed).toEqual([['g', what]]);

  fails = () => {
    throw new Error('planned');
  };
  layer.context.local.missed('g', what);
  fails = () => Promise.reject(new Error('planned'));
  layer.context.local.missed('g', what);
  await turn(2);
  expect(errors).toHaveLength(2);
  expect(app.inspect().counters['errors']).toBe(2);
});

test('a LayerError that escapes a handler closes with 1013', async () => {
  const app = new App({ logger: silent }).wsRoute('/', async (ws) => {
    await ws.accept();
    throw noAnswer;
  });
  const peer = await new Peers(app).connect('/');
  await turn(3);
  expect(peer.closed?.code).toBe(1013);
});

test.each(Array.from({ length: 40 }, (_, at) => at + 1))(
  'whatever comes, goes, resumes and fails, in the end the layer knows exactly the members there are: seed %i',
  async (seed) => {
    const random = randomFrom(seed);
    const below = (count: number): number => Math.floor(random() * count);
    const layer = new AsyncLayer(() => 1 + below(6));
    await using room = new Room(layer);
    const groups = ['a', 'b', 'c'];
    for (let count = 0; count < 4; count += 1) await room.peers.connect('/');
    layer.fail = (call) => {
      // Leavings never fail for a lost connection: the contract says so.
      if (call !== 'retire' && call !== 'unsubscribe' && below(4) === 0) throw noAnswer;
    };
    const calls: Promise<unknown>[] = [];
    const track = (call: Promise<unknown>): void => {
      calls.push(call.catch(() => {}));
    };
    for (let step = 0; step < 60; step += 1) {
      const ws = room.sockets[below(4)] as ServerWebSocket;
      const group = groups[below(3)] as string;
      const what = below(20);
      if (what < 7) track(ws.join(group));
      else if (what < 12) track(ws.leave(group));
      else if (what < 15) track(ws.resume(group));
      else if (what < 17) track(ws.channel.setMetadata({ step }));
      else if (what < 19) track(room.app.channelBox.groupSend(group, step, { saveHistory: true }));
      else void ws.close();
      await turn(below(3));
    }
    await Promise.all(calls);
    await turn(40);

    const open = room.sockets.filter((ws) => ws.isConnected());
    for (const group of groups) {
      const members = open
        .filter((ws) => room.local.groupsOf(ws.channel as SocketChannel).includes(group))
        .map(({ id }) => id);
      expect(layer.idsIn(group).toSorted(), `members of ${group}`).toEqual(members.toSorted());
      expect(layer.subscribed.has(group), `subscription of ${group}`).toBe(members.length > 0);
    }
  },
);
