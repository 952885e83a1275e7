import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.ts';
import { Cluster, flushed, overTime, type LayerHarness } from './layer-harness.ts';
import { saved, saying, textOf } from './layer-node.ts';

/** What holds however often, however many and however late: keys, flushes, churn, crowds, an end amid calls. */
export function lastingCases(harness: LayerHarness): ConformanceCase[] {
  return [...keyCases(harness), ...historyCases(harness), ...crowdCases(harness)];
}

function keyCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a saved message that comes again with its key is published once, by whichever node',
      run: async () => {
        await using cluster = await Cluster.of(harness, Math.min(2, harness.nodesMax));
        const { first } = cluster;
        const other = cluster.nodes.at(-1) ?? first;
        await first.join('room');
        const message = saying('1', { save: true, key: 'order 7' });

        const one = await first.layer.publish('room', message);
        await first.layer.publish('room', saved('2'));
        const again = await other.layer.publish('room', message);
        const elsewhere = await other.layer.publish('other', message);
        await flushed(harness, first);

        assert.deepEqual(again.position, one.position);
        assert.deepEqual(again.counts, { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 });
        assert.equal(elsewhere.position?.offset, 1);
        assert.deepEqual(first.texts('room'), ['1', '2']);
        const page = await first.layer.history('room', { keep: 'oldest' });
        assert.deepEqual(
          page.entries.map(({ payload }) => textOf(payload)),
          ['1', '2'],
        );
      },
    },
    {
      name: 'a key is forgotten with its message, and with the history',
      run: async () => {
        await using cluster = await Cluster.of(harness, 1, { countMax: 2 });
        const { layer } = cluster.first;
        const publish = async (): Promise<number | undefined> =>
          (await layer.publish('room', saying('1', { save: true, key: 'k' }))).position?.offset;
        assert.deepEqual([await publish(), await publish()], [1, 1]);
        await layer.publish('room', saved('2'));
        await layer.publish('room', saved('3'));
        assert.equal(await publish(), 4);
        await layer.flushHistory('room');
        assert.equal(await publish(), 1);
      },
    },
  ];
}

function historyCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a history says that it has caught up once, and a later answer not at all before it has',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        await first.layer.publish('room', saved('1'));
        for (const group of ['room', 'never written']) {
          let calls = 0;
          const reading = first.layer.history(group, { keep: 'oldest', caughtUp: () => (calls += 1) });
          const isLater = reading instanceof Promise;
          await reading;
          assert.ok(calls === 1 || (calls === 0 && !isLater), `caughtUp was called ${calls} times for ${group}`);
          await harness.settle();
          assert.ok(calls <= 1, `caughtUp was called ${calls} times for ${group}`);
        }
      },
    },
    {
      name: 'a flush under members is no miss, and what comes after it arrives in the new epoch',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        const before = await first.layer.publish('room', saved('1'));
        await first.layer.flushHistory('room');
        const after = await first.layer.publish('room', saved('2'));
        await flushed(harness, first);

        assert.notEqual(after.position?.epoch, before.position?.epoch);
        assert.deepEqual([first.texts('room'), first.misses], [['1', '2'], []]);
      },
    },
  ];
}

function crowdCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'members that come and go leave nothing behind',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await Promise.all(
          Array.from({ length: 200 }, async (_, at) => {
            const group = `room ${at % 7}`;
            const id = await first.join(group, first.channel());
            await first.leave(group, id);
          }),
        );
        await flushed(harness, first);

        assert.equal((await first.layer.groups()).size, 0);
        for (let at = 0; at < 7; at += 1) {
          assert.deepEqual(await first.layer.members(`room ${at}`), []);
          const { exists, nodes } = await first.layer.publish(`room ${at}`, saying('x'));
          assert.deepEqual([exists, nodes], [false, 0]);
        }
      },
    },
    {
      name: 'a thousand members are listed, reached and counted',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const ids = await Promise.all(
          Array.from({ length: 1_000 }, async (_, at) => first.join('room', first.channel(), { at })),
        );
        const { counts } = await first.layer.publish('room', saying('x'));
        const members = await first.layer.members('room');

        assert.equal(counts.sent, 1_000);
        assert.deepEqual(new Set(members.map(({ uuid }) => uuid)), new Set(ids));
        assert.equal(await first.layer.closeChannels({ group: 'room' }, {}), 1_000);
      },
    },
    {
      name: 'calls that are under way when it closes are answered, one way or the other',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const { layer } = first;
        await first.join('room');
        const calls = [
          async () => layer.publish('room', saved('1')),
          async () => layer.publish('room', saying('2')),
          async () => layer.history('room', { keep: 'oldest' }),
          async () => layer.members('room'),
          async () => layer.groups(),
          async () => layer.subscribe('other'),
          async () => layer.closeChannels('all', {}),
          async () => layer.send(first.channel(), { kind: 'json', text: '1' }),
        ].map((call) => call());
        const ended = Promise.allSettled(calls);
        await overTime(harness, layer.close());
        await overTime(harness, ended);
        // A second end is none.
        await layer.close();
      },
    },
  ];
}
