import assert from 'node:assert/strict';
import { LayerError } from 'channelbox';
import { until, type ConformanceCase } from './case.ts';
import { Cluster, inTime, overTime, type FaultCase, type LayerHarness } from './layer-harness.ts';
import { saved, saying, textOf } from './layer-node.ts';

/** These cases hold among several nodes. */
export function clusterCases(harness: LayerHarness): ConformanceCase[] {
  const cases = [...groupCases(harness), ...channelCases(harness)];
  return harness.cut === undefined ? cases : [...cases, ...faultCases(harness)];
}

function groupCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: "a publish reaches the members on every node, and counts its own node's",
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        await second.join('room');
        const away = await first.layer.publish('room', saying('1'));
        await first.join('room');
        const both = await first.layer.publish('room', saying('2'));
        await until(() => second.delivered.length === 2, 'both have arrived');

        assert.deepEqual([away.exists, away.nodes, away.counts.members], [true, 1, 0]);
        assert.deepEqual([both.exists, both.nodes, both.counts.members], [true, 2, 1]);
        assert.deepEqual([first.texts('room'), second.texts('room')], [['2'], ['1', '2']]);
      },
    },
    {
      name: 'every node delivers the saved messages of a group in one order, that of their positions, each once',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        await Promise.all([first.join('room'), second.join('room')]);
        const publishing: Promise<unknown>[] = [];
        for (let at = 0; at < 50; at += 1) {
          for (const node of [first, second]) {
            publishing.push((async () => node.layer.publish('room', saved(`${node.layer.node} ${at}`)))());
          }
        }
        await Promise.all(publishing);
        await until(() => first.delivered.length >= 100 && second.delivered.length >= 100, 'all have arrived');
        await harness.settle();

        assert.deepEqual(second.texts('room'), first.texts('room'));
        for (const { delivered } of [first, second]) {
          assert.deepEqual(
            delivered.map(({ entry }) => entry?.position.offset),
            Array.from({ length: 100 }, (_, at) => at + 1),
          );
        }
        const page = await second.layer.history('room', { keep: 'oldest' });
        assert.deepEqual(
          page.entries.map(({ payload }) => textOf(payload)),
          first.texts('room'),
        );
      },
    },
    {
      name: 'members and groups are listed of all nodes, and of none that has closed',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        const ann = await first.join('room');
        const bob = await second.join('room', second.channel(), { name: 'Bob' });
        await second.join('other');

        const members = await first.layer.members('room');
        assert.deepEqual(
          new Set(members.map(({ uuid, node }) => `${uuid} ${node}`)),
          new Set([`${ann} ${first.layer.node}`, `${bob} ${second.layer.node}`]),
        );
        assert.deepEqual([...(await second.layer.groups()).keys()].toSorted(), ['other', 'room']);
        await second.layer.close();
        await harness.settle();
        assert.deepEqual(
          (await first.layer.members('room')).map(({ uuid }) => uuid),
          [ann],
        );
        assert.equal((await first.layer.publish('room', saying('x'))).nodes, 1);
      },
    },
    {
      name: 'history is one for all nodes, and so is its flush',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        const { position } = await first.layer.publish('room', saved('1'));
        const page = await second.layer.history('room', { keep: 'oldest' });
        assert.deepEqual([page.entries.length, page.position], [1, position]);
        await second.layer.flushHistory();
        assert.deepEqual(await first.layer.historyGroups(), []);
        assert.equal((await first.layer.history('room', { keep: 'oldest', since: position })).recovered, false);
      },
    },
    {
      name: 'every node has a name of its own',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        assert.notEqual(cluster.first.layer.node, cluster.second.layer.node);
      },
    },
  ];
}

function channelCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a send reaches a channel on another node, in order, and says what became of it',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        const bob = second.channel();
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, async (_, at) => first.layer.send(bob, { kind: 'json', text: String(at) })),
        );
        assert.deepEqual(new Set(outcomes), new Set(['sent']));
        assert.deepEqual(
          second.sent.map(({ payload }) => textOf(payload)),
          Array.from({ length: 20 }, (_, at) => String(at)),
        );
        assert.deepEqual(first.sent, []);
      },
    },
    {
      name: 'bytes for a channel on another node that takes none are an error of the caller',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        const bob = second.channel('json');
        const sending = async (): Promise<unknown> => first.layer.send(bob, { kind: 'bytes', bytes: Uint8Array.of(1) });
        await assert.rejects(sending(), { code: 'CHANNELBOX_PAYLOAD_KIND' });
        assert.deepEqual(second.reports, []);
      },
    },
    {
      name: 'an order to close reaches every node, and counts the channels of all',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        await first.join('room');
        const bob = await second.join('room');
        second.channel();

        assert.equal(await first.layer.closeChannels({ channel: bob }, { code: 4000 }), 1);
        assert.equal(await first.layer.closeChannels({ group: 'room' }, {}), 2);
        assert.equal(await first.layer.closeChannels('all', {}), 3);
        assert.equal(second.closed[0]?.options.code, 4000);
      },
    },
  ];
}

function faultCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a publish of a node that is cut off rejects with a LayerError',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first } = cluster;
        await first.join('room');
        await harness.cut?.(first.layer);
        const publishing = (async () => first.layer.publish('room', saved('1')))();
        await assert.rejects(
          overTime(harness, publishing),
          (error) => error instanceof LayerError && ['not-sent', 'unknown'].includes(error.delivered ?? ''),
        );
      },
    },
    {
      name: 'a leaving on a node that is cut off is no error: the reconnect puts it right',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first } = cluster;
        const ann = await first.join('room');
        await harness.cut?.(first.layer);
        await overTime(harness, first.leave('room', ann));
      },
    },
    {
      name: 'a history that is refused never says that it has caught up',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first } = cluster;
        await first.join('room');
        await harness.cut?.(first.layer);
        let calls = 0;
        const query = { keep: 'oldest', caughtUp: () => (calls += 1) } as const;
        const reading = (async () => first.layer.history('room', query))();
        await assert.rejects(overTime(harness, reading), (error) => error instanceof LayerError);
        await harness.settle();
        assert.equal(calls, 0);
      },
    },
    {
      name: 'an order to all that misses its deadline carries what it has, and who did not answer',
      run: async () => {
        await using cluster = await Cluster.of(harness, 2);
        const { first, second } = cluster;
        first.channel();
        second.channel();
        await harness.cut?.(second.layer);
        const closing = (async () => first.layer.closeChannels('all', {}))();
        await assert.rejects(overTime(harness, closing), (error) => {
          assert.ok(error instanceof LayerError);
          assert.deepEqual([error.partial, error.missing], [1, [second.layer.node]]);
          return true;
        });
      },
    },
  ];
}

/** What holds when a node dies, or is taken for dead. */
export const nodeFaultCases: FaultCase[] = [
  {
    name: "a dead node's channels are nobody's members, are sent to in vain, and are not waited for",
    needs: ['kill'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      const ann = await first.join('room');
      const bob = await second.join('room');
      await faults.kill(second.layer);
      let ids: string[] = [];
      await inTime(
        harness,
        () => {
          void (async () => first.layer.members('room'))().then((members) => (ids = members.map(({ uuid }) => uuid)));
          return ids.length === 1;
        },
        'it is taken for dead',
      );

      assert.deepEqual(ids, [ann]);
      assert.equal(
        await overTime(harness, (async () => first.layer.send(bob, { kind: 'json', text: '1' }))()),
        'closed',
      );
      assert.equal(await overTime(harness, (async () => first.layer.closeChannels('all', {}))()), 1);
    },
  },
  {
    name: 'a node that was taken for dead and lives is a member of all again, with its metadata',
    needs: ['lapse'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      const bob = await second.join('room', second.channel(), { name: 'Bob' });
      await second.join('other', bob, { name: 'Bob' });
      const gone = await second.join('room');
      await faults.lapse(second.layer);
      await second.leave('room', gone);
      let members = await first.layer.members('room');
      await inTime(
        harness,
        () => {
          void (async () => first.layer.members('room'))().then((found) => (members = found));
          return members.length === 1 && members[0]?.uuid === bob;
        },
        'it is a member again, and who left is none',
      );
      assert.deepEqual(members[0]?.metadata, { name: 'Bob' });
      assert.equal((await first.layer.members('other')).length, 1);
      await first.layer.publish('room', saved('1'));
      await inTime(harness, () => second.texts('room').includes('1'), 'it hears as before');
    },
  },
];
