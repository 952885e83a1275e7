import { App, ChannelBox, LayerError, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { ManualClock, turn } from '../manual-clock.ts';
import { Peers } from '../peers.ts';
import { Broker } from './broker.ts';
import { BrokerLayer } from './broker-layer.ts';

/** Two apps on two nodes over one broker; every socket joins `room` and stays. */
class Cluster implements AsyncDisposable {
  readonly broker: Broker = new Broker(7);
  readonly clock = new ManualClock();
  readonly layers: readonly BrokerLayer[] = [new BrokerLayer(this.broker, 'one'), new BrokerLayer(this.broker, 'two')];
  readonly sockets: ServerWebSocket[] = [];
  readonly failures: unknown[] = [];
  readonly apps: readonly App[] = this.layers.map((layer) => this.#appOf(layer));
  readonly peers: readonly Peers[] = this.apps.map((app) => new Peers(app));

  get one(): App {
    return this.apps[0] as App;
  }

  get two(): App {
    return this.apps[1] as App;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const app of this.apps) {
      const closing = app.close();
      await this.broker.settle();
      this.clock.advance(60_000);
      await closing;
    }
  }

  #appOf(layer: BrokerLayer): App {
    const app = new App({
      channelBox: new ChannelBox({ layer }),
      clock: this.clock,
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      onError: (error) => this.failures.push(error),
    });
    return app.wsRoute('/room', async (ws) => {
      await ws.accept();
      this.sockets.push(ws);
      await ws.join('room');
      await ws.sendText('joined');
      await ws.receive();
    });
  }
}

test('a group send reaches the members on both nodes, encoded for each, and counts its own', async () => {
  await using cluster = new Cluster();
  const [ann, bob] = [await cluster.peers[0]!.connect('/room'), await cluster.peers[1]!.connect('/room')];
  await cluster.broker.settle();

  const delivery = await cluster.one.channelBox.groupSend('room', { text: 'hi' });
  await cluster.broker.settle();

  expect(delivery).toEqual({ status: 'GROUP_SEND', members: 1, sent: 1, queued: 0, dropped: 0, closed: 0, nodes: 2 });
  expect([ann.texts, bob.texts]).toEqual([
    ['joined', '{"text":"hi"}'],
    ['joined', '{"text":"hi"}'],
  ]);
});

test('sends that nobody awaits keep their order on every node', async () => {
  await using cluster = new Cluster();
  const bob = await cluster.peers[1]!.connect('/room');
  await cluster.broker.settle();

  for (let n = 0; n < 50; n += 1) void cluster.one.channelBox.groupSend('room', n);
  await cluster.broker.settle();

  expect(bob.texts.slice(1)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
});

test('a channel on the other node is sent to and closed by its id', async () => {
  await using cluster = new Cluster();
  const bob = await cluster.peers[1]!.connect('/room');
  await cluster.broker.settle();
  const id = cluster.sockets[0]!.id;

  expect(await cluster.one.channelBox.sendTo(id, 'psst')).toBe('sent');
  await expect(cluster.one.channelBox.sendTo(id, Uint8Array.of(1))).rejects.toMatchObject({
    code: 'CHANNELBOX_PAYLOAD_KIND',
  });
  expect(await cluster.one.channelBox.closeChannel(id, { code: 4000 })).toBe(true);
  await cluster.broker.settle();

  expect(bob.texts).toContain('"psst"');
  expect(bob.closed?.code).toBe(4000);
  expect(await cluster.one.channelBox.sendTo(id, 'late')).toBe('closed');
});

test('the members of both nodes are listed, with metadata that changes', async () => {
  await using cluster = new Cluster();
  await cluster.peers[0]!.connect('/room');
  await cluster.peers[1]!.connect('/room');
  await cluster.broker.settle();
  await cluster.sockets[1]!.channel.setMetadata({ name: 'Bob' });

  const members = await cluster.one.channelBox.members('room');

  expect(new Map(members.map(({ node, metadata }) => [node, metadata]))).toEqual(
    new Map<string, object>([
      ['one', {}],
      ['two', { name: 'Bob' }],
    ]),
  );
  expect(await cluster.two.channelBox.closeAllConnections({ code: 4001 })).toBe(2);
});

test('who joins while the first subscription is on its way misses nothing either', async () => {
  await using cluster = new Cluster();
  const joining = Array.from({ length: 5 }, () => cluster.peers[1]!.connect('/room'));
  const peers = await Promise.all(joining);

  // Whoever has heard that it joined receives all that is sent from then on, and no one is told earlier than that.
  while (!peers.some((peer) => peer.texts.includes('joined'))) await turn();
  void cluster.one.channelBox.groupSend('room', 'after');
  const early = peers.filter((peer) => peer.texts.includes('joined'));
  await cluster.broker.settle();

  for (const peer of early) expect(peer.texts).toContain('"after"');
});

test('bytes from a node that has only bytes channels count as dropped for the others elsewhere', async () => {
  await using cluster = new Cluster();
  const bob = await cluster.peers[1]!.connect('/room');
  await cluster.broker.settle();

  await cluster.one.channelBox.groupSend('room', Uint8Array.of(1));
  const own = await cluster.two.channelBox.groupSend('room', 'on');
  await cluster.broker.settle();

  expect(own.sent).toBe(1);
  expect(bob.texts).toEqual(['joined', '"on"']);
});

test('a join whose subscription fails is none', async () => {
  await using cluster = new Cluster();
  cluster.layers[0]!.cut();
  const ann = await cluster.peers[0]!.connect('/room');
  await turn(10);
  expect(cluster.one.inspect().memberships).toBe(1);

  cluster.clock.advance(5_000);
  await turn(10);

  expect(cluster.failures).toHaveLength(1);
  expect(cluster.failures[0]).toBeInstanceOf(LayerError);
  expect(cluster.one.inspect().memberships).toBe(0);
  expect(ann.closed?.code).toBe(1013);
});

test('a publish on a node that is cut off rejects, and what members of it do goes on', async () => {
  await using cluster = new Cluster();
  const ann = await cluster.peers[0]!.connect('/room');
  await cluster.broker.settle();
  cluster.layers[0]!.cut();

  const sending = cluster.one.channelBox.groupSend('room', 'x', { saveHistory: true });
  sending.catch(() => {});
  await turn(5);
  cluster.clock.advance(5_000);

  await expect(sending).rejects.toBeInstanceOf(LayerError);
  expect(ann.closed).toBeUndefined();
});
