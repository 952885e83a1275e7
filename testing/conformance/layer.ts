import assert from 'node:assert/strict';
import { until, type ConformanceCase } from './case.ts';
import { clusterCases } from './layer-cluster.ts';
import { faultCases } from './layer-faults.ts';
import { historyCases } from './layer-history.ts';
import { lastingCases } from './layer-lasting.ts';
import { Cluster, type LayerHarness } from './layer-harness.ts';
import { saved, saying } from './layer-node.ts';

export type { ConformanceCase } from './case.ts';
export type { LayerFaults, LayerHarness } from './layer-harness.ts';

/**
 * The suite has the promises of `ChannelLayer`, one case each. A layer of your own passes them all: `for (const {
 * name, run } of layerCases(harness)) test(name, run)`.
 */
export function layerCases(harness: LayerHarness): ConformanceCase[] {
  const cases = [
    ...groupCases(harness),
    ...channelCases(harness),
    ...historyCases(harness),
    ...lastingCases(harness),
    ...faultCases(harness),
  ];
  return harness.nodesMax < 2 ? cases : [...cases, ...clusterCases(harness)];
}

const oddNames = [
  'default',
  '__proto__',
  'constructor',
  '{}',
  '{a}b',
  '*',
  '?',
  '[a]',
  'a\nb',
  'a b',
  ':',
  'é',
  'e\u0301',
];

function groupCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'publishes reach the members in the order of the calls, awaited or not',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        const texts = Array.from({ length: 50 }, (_, at) => String(at));

        await Promise.all(
          texts.map(async (text, at) => first.layer.publish('room', saying(text, { save: at % 3 === 0 }))),
        );

        assert.deepEqual(first.texts('room'), texts);
      },
    },
    {
      name: "a publish tells what became of it among this node's members",
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ann = await first.join('room');
        await first.join('room');

        const all = await first.layer.publish('room', saying('x'));
        const others = await first.layer.publish('room', saying('x', { except: [ann] }));

        assert.deepEqual(all, {
          counts: { members: 2, sent: 2, queued: 0, dropped: 0, closed: 0 },
          nodes: 1,
          exists: true,
        });
        assert.equal(others.counts.members, 1);
        assert.deepEqual(first.delivered.at(-1)?.message.except, [ann]);
      },
    },
    {
      name: 'a publish to a group that nobody is in reaches nobody',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const published = await cluster.first.layer.publish('room', saying('x'));
        assert.deepEqual(published, {
          counts: { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 },
          nodes: 0,
          exists: false,
        });
        assert.deepEqual(cluster.first.texts('room'), []);
      },
    },
    {
      name: 'payloads of every kind arrive as they were',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        const every = Uint8Array.from({ length: 256 }, (_, at) => at);
        const payloads = [
          { kind: 'string', text: '' },
          { kind: 'string', text: 'é☃😀\0\n"' },
          { kind: 'json', text: '{"a":[1,null]}' },
          { kind: 'bytes', bytes: every },
          { kind: 'bytes', bytes: new Uint8Array(0) },
        ] as const;

        for (const save of [false, true]) {
          for (const payload of payloads) await first.layer.publish('room', { payload, except: [], save });
        }

        const arrived = first.delivered.map(({ message }) => message.payload);
        assert.deepEqual(plain(arrived), plain([...payloads, ...payloads]));
        const page = await first.layer.history('room', { keep: 'oldest' });
        assert.deepEqual(plain(page.entries.map(({ payload }) => payload)), plain(payloads));
      },
    },
    {
      name: 'once subscribed no publish is missed, and once unsubscribed none arrives',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const expected: string[] = [];
        for (let round = 0; round < 10; round += 1) {
          const ann = await first.join('room');
          await first.layer.publish('room', saying(`in ${round}`));
          expected.push(`in ${round}`);
          await first.leave('room', ann);
          await first.layer.publish('room', saying(`out ${round}`));
        }
        await harness.settle();
        assert.deepEqual(first.texts('room'), expected);
      },
    },
    {
      name: 'subscriptions take effect in the order of the calls, awaited or not',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const pending: Promise<unknown>[] = [];
        for (let round = 0; round < 10; round += 1) {
          pending.push(first.join('room', 'ann'), first.leave('room', 'ann'));
        }
        pending.push(first.join('room', 'ann'));
        await Promise.all(pending);

        await first.layer.publish('room', saying('x'));

        assert.deepEqual(first.texts('room'), ['x']);
      },
    },
    {
      name: 'groups never mix, whatever their names',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        for (const group of oddNames) await first.join(group);
        for (const group of oddNames) await first.layer.publish(group, saved(group));

        for (const group of oddNames) {
          assert.deepEqual(first.texts(group), [group]);
          const { entries } = await first.layer.history(group, { keep: 'oldest' });
          assert.deepEqual(
            entries.map(({ position }) => position.offset),
            [1],
          );
        }
        assert.deepEqual([...(await first.layer.groups()).keys()].toSorted(), oddNames.toSorted());
        assert.deepEqual((await first.layer.historyGroups()).toSorted(), oddNames.toSorted());
      },
    },
    {
      name: 'members are listed with their node and their metadata, and no longer once they left',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ann = await first.join('room', first.channel(), { name: 'Ann' });
        const bob = await first.join('room', first.channel(), { name: 'Bob' });
        await first.join('room', bob, { name: 'Robert' });

        const members = await first.layer.members('room');
        assert.deepEqual(
          new Set(members.map(({ uuid, node, metadata }) => `${uuid} ${node} ${String(metadata['name'])}`)),
          new Set([`${ann} ${first.layer.node} Ann`, `${bob} ${first.layer.node} Robert`]),
        );
        await first.leave('room', ann);
        await first.leave('room', bob);
        await harness.settle();
        assert.deepEqual(await first.layer.members('room'), []);
        assert.equal((await first.layer.groups()).size, 0);
      },
    },
  ];
}

function channelCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a send reaches its channel alone, and says what became of it',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ann = first.channel();
        first.channel();

        assert.equal(await first.layer.send(ann, { kind: 'json', text: '1' }), 'sent');
        assert.equal(await first.layer.send('nobody', { kind: 'json', text: '1' }), 'closed');
        assert.equal(
          await first.layer.send(first.layer.channelId?.('nobody') ?? 'x', { kind: 'json', text: '1' }),
          'closed',
        );
        assert.deepEqual(first.sent, [{ channel: ann, payload: { kind: 'json', text: '1' } }]);
      },
    },
    {
      name: 'bytes for a channel that takes none are an error of the caller',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ann = first.channel('json');
        const sending = async (): Promise<unknown> => first.layer.send(ann, { kind: 'bytes', bytes: Uint8Array.of(1) });
        await assert.rejects(sending(), { code: 'CHANNELBOX_PAYLOAD_KIND' });
      },
    },
    {
      name: 'an order to close goes to one channel, a group or all, and counts them',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ann = await first.join('room');
        await first.join('room');
        first.channel();
        const options = { code: 4000, reason: 'bye' };

        assert.equal(await first.layer.closeChannels({ channel: ann }, options), 1);
        assert.equal(await first.layer.closeChannels({ channel: 'nobody' }, options), 0);
        assert.equal(await first.layer.closeChannels({ group: 'room' }, options), 2);
        assert.equal(await first.layer.closeChannels({ group: 'nowhere' }, options), 0);
        assert.equal(await first.layer.closeChannels('all', options), 3);
        await until(() => first.closed.some(({ target }) => target === 'all'), 'the node is told');
        assert.ok(first.closed.every((order) => order.options.code === 4000 && order.options.reason === 'bye'));
      },
    },
  ];
}

/** Without the classes that bytes may come in. */
function plain(payloads: readonly object[]): unknown[] {
  return payloads.map((payload) =>
    'bytes' in payload ? { ...payload, bytes: [...(payload.bytes as Uint8Array)] } : payload,
  );
}
