import assert from 'node:assert/strict';
import type { Published } from 'channelbox';
import type { ConformanceCase } from './case.ts';
import {
  Cluster,
  flushed,
  inTime,
  overTime,
  type FaultCase,
  type LayerHarness,
  type Troubles,
} from './layer-harness.ts';
import { saved, saying, textOf, type StubNode } from './layer-node.ts';
import { nodeFaultCases } from './layer-cluster.ts';

/**
 * These cases hold when messages, connections, nodes or the broker's memory go. A case whose trouble the harness
 * cannot make is left out.
 */
export function faultCases(harness: LayerHarness): ConformanceCase[] {
  const { faults = {} } = harness;
  return [...lossCases, ...gapCases, ...connectionCases, ...nodeFaultCases]
    .filter(({ needs, nodes = 1 }) => nodes <= harness.nodesMax && needs.every((name) => faults[name] !== undefined))
    .map(({ name, nodes, limits, run }) => ({
      name,
      run: async () => {
        await using cluster = await Cluster.of(harness, nodes, limits);
        await run(cluster, faults as Troubles, harness);
      },
    }));
}

/** Publishes them one after the other, saved; the time that a layer may need to answer passes. */
async function tell(harness: LayerHarness, node: StubNode, texts: readonly string[]): Promise<Published[]> {
  const published: Published[] = [];
  for (const text of texts) {
    published.push(await overTime(harness, (async () => node.layer.publish('room', saved(text)))()));
  }
  return published;
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

const lossCases: FaultCase[] = [
  {
    name: 'a saved message that is lost on its way is given back, in its place',
    needs: ['dropNext'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1']);
      await faults.dropNext(first.layer, 1);
      await tell(harness, second, ['2', '3', '4']);
      await inTime(harness, () => first.texts('room').length >= 4, 'all four have arrived');
      assert.deepEqual([first.texts('room'), first.misses], [range(1, 4), []]);
    },
  },
  {
    name: 'the last message of a group that is lost on its way is found missing, though nothing follows',
    needs: ['dropNext'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1']);
      await faults.dropNext(first.layer, 1);
      await tell(harness, second, ['2']);
      await inTime(harness, () => first.texts('room').length >= 2, 'the last one has arrived');
      assert.deepEqual([first.texts('room'), first.misses], [['1', '2'], []]);
    },
  },
  {
    name: 'messages that come twice are delivered once',
    needs: ['repeatNext'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await faults.repeatNext(first.layer, 3);
      await tell(harness, second, range(1, 5));
      await flushed(harness, first);
      assert.deepEqual(first.texts('room'), range(1, 5));
    },
  },
  {
    name: 'a message of the epoch before is nothing any more',
    needs: ['replayOld'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, range(1, 3));
      await second.layer.flushHistory('room');
      await tell(harness, second, ['4']);
      await faults.replayOld(first.layer, 'room');
      await tell(harness, second, ['5']);
      await flushed(harness, first);
      assert.deepEqual([first.texts('room'), first.misses], [range(1, 5), []]);
    },
  },
  {
    name: 'a page that is read while the node catches up is all that was delivered by then, or follows',
    needs: ['dropNext'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1']);
      await faults.dropNext(first.layer, 2);
      await tell(harness, second, range(2, 5));
      let newFrom = -1;
      let calls = 0;
      const caughtUp = (): void => {
        calls += 1;
        newFrom = first.texts('room').length;
      };
      const reading = (async () => first.layer.history('room', { keep: 'oldest', caughtUp }))();
      const page = await overTime(harness, reading);
      assert.equal(calls, 1);
      assert.deepEqual(first.texts('room').slice(0, newFrom), range(1, page.position.offset));
      await tell(harness, second, ['6']);
      await inTime(harness, () => first.texts('room').length >= 6, 'all six have arrived');
      assert.deepEqual(first.texts('room'), range(1, 6));
    },
  },
  {
    name: 'what is no message of this layer is dropped, and harms nothing that is',
    needs: ['foreign'],
    nodes: 1,
    run: async ({ first }, faults, harness) => {
      await first.join('room');
      const one = await first.layer.publish('room', saved('1'));
      await faults.foreign(first.layer, 'room');
      await first.layer.publish('room', saying('2'));
      const three = await first.layer.publish('room', saved('3'));
      await flushed(harness, first);
      assert.deepEqual([first.texts('room'), first.misses], [['1', '2', '3'], []]);
      assert.equal(three.position?.epoch, one.position?.epoch);
    },
  },
];

const gapCases: FaultCase[] = [
  {
    name: 'what was trimmed while it was lost is a miss, told before anything newer, and a new epoch',
    needs: ['dropNext', 'trimAway'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      const told = await tell(harness, second, ['1']);
      // In real time it may look for itself before the trimming: it has lost nothing then, and it is done once more.
      for (let round = 0; first.misses.length === 0 && round < 5; round += 1) {
        const had = told.length;
        await faults.dropNext(first.layer, 3);
        told.push(...(await tell(harness, second, range(had + 1, had + 3))));
        await faults.trimAway('room');
        told.push(...(await tell(harness, second, range(had + 4, had + 4))));
        const hasAll = (): boolean => first.texts('room').length >= had + 4;
        await inTime(harness, () => first.misses.length > 0 || hasAll(), 'the node is told that it missed something');
      }
      const [later] = await tell(harness, second, ['later']);
      await inTime(harness, () => first.texts('room').includes('later'), 'what follows arrives');

      assert.deepEqual(
        first.misses.map(({ group, what }) => [group, what.saved]),
        [['room', true]],
      );
      const [{ what, after }] = first.misses as [StubNode['misses'][number]];
      // It had all before the gap, and nothing of this epoch behind it.
      assert.deepEqual(first.texts('room').slice(0, after), range(1, after));
      assert.deepEqual(what.position, told[after - 1]?.position);
      assert.ok(after < told.length - 1);
      assert.notEqual(later?.position?.epoch, what.position?.epoch);
      assert.equal(new Set(first.texts('room')).size, first.texts('room').length);
    },
  },
  {
    name: 'a page that is read as the trimmed gap is found holds nothing that is delivered after it',
    needs: ['dropNext', 'trimAway'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1', '2']);
      await faults.dropNext(first.layer, 4);
      await tell(harness, second, range(3, 6));
      await faults.trimAway('room');
      let newFrom = -1;
      const caughtUp = (): void => void (newFrom = first.texts('room').length);
      const reading = (async () => first.layer.history('room', { keep: 'oldest', caughtUp }))();
      const page = await overTime(harness, reading);
      await tell(harness, second, ['7']);
      await inTime(harness, () => first.texts('room').includes('7'), 'what follows arrives');

      const held = page.entries.map(({ payload }) => textOf(payload));
      const after = first.texts('room').slice(newFrom);
      assert.ok(newFrom >= 0);
      assert.deepEqual(
        after.filter((text) => held.includes(text)),
        [],
      );
    },
  },
  {
    name: 'a broker that comes back with nothing is a new epoch, and its members are told first',
    needs: ['restart'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      const before = await tell(harness, second, range(1, 3));
      await faults.restart('empty');
      await inTime(harness, () => first.misses.length > 0, 'the node is told of the restart');
      const [after] = await tell(harness, second, ['after']);
      await inTime(harness, () => first.texts('room').includes('after'), 'what follows arrives');

      assert.deepEqual([first.misses[0]?.group, first.misses[0]?.after], ['room', 3]);
      assert.notEqual(after?.position?.epoch, before[0]?.position?.epoch);
      const since = before.at(-1)?.position;
      const page = await second.layer.history('room', { keep: 'oldest', since });
      assert.equal(page.recovered, false);
      assert.deepEqual(first.texts('room'), [...range(1, 3), 'after']);
      assert.equal((await second.layer.members('room')).length, 1);
    },
  },
  {
    name: 'a broker that comes back older than its nodes is a new epoch: no offset means two things',
    needs: ['remember', 'restart'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, range(1, 2));
      await faults.remember();
      const before = await tell(harness, second, range(3, 5));
      await faults.restart('old');
      await inTime(harness, () => first.misses.length > 0, 'the node is told of the restart');
      const after = await tell(harness, second, ['a', 'b', 'c', 'd']);
      await inTime(harness, () => first.texts('room').includes('d'), 'what follows arrives');

      assert.deepEqual(first.texts('room'), [...range(1, 5), 'a', 'b', 'c', 'd']);
      assert.notEqual(after[0]?.position?.epoch, before[0]?.position?.epoch);
      const page = await second.layer.history('room', { keep: 'oldest', since: before.at(-1)?.position });
      assert.equal(page.recovered, false);
    },
  },
];

const connectionCases: FaultCase[] = [
  {
    name: 'a node that hears nothing finds out by itself, and gets what was saved meanwhile',
    needs: ['deafen'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1']);
      await faults.deafen(first.layer);
      await tell(harness, second, ['2', '3']);
      await inTime(harness, () => first.texts('room').length >= 3, 'it has heard what it missed');
      await tell(harness, second, ['4']);
      await inTime(harness, () => first.texts('room').length >= 4, 'it hears again');
      assert.deepEqual(first.texts('room'), range(1, 4));
      assert.ok(first.misses.every(({ what }) => !what.saved));
    },
  },
  {
    name: 'a connection that breaks while publishes and a page are under way loses nothing that was saved',
    needs: ['disconnect'],
    nodes: 2,
    run: async ({ first, second }, faults, harness) => {
      await first.join('room');
      await tell(harness, second, ['1']);
      const publishing = range(2, 20).map(async (text) => second.layer.publish('room', saved(text)));
      const reading = (async () => first.layer.history('room', { keep: 'oldest' }))();
      await faults.disconnect(first.layer);
      await overTime(harness, Promise.all(publishing));
      await overTime(harness, Promise.allSettled([reading]));
      await inTime(harness, () => first.texts('room').length >= 20, 'all have arrived');
      assert.deepEqual(first.texts('room'), range(1, 20));
      assert.ok(first.misses.every(({ what }) => !what.saved));
    },
  },
  {
    name: 'a publish whose own subscription goes is answered, and counts every member',
    needs: ['disconnect'],
    run: async ({ first }, faults, harness) => {
      await first.join('room');
      await first.join('room');
      const calls = [saved('1'), saying('2')].map(async (message) => first.layer.publish('room', message));
      await faults.disconnect(first.layer);
      for (const outcome of await overTime(harness, Promise.allSettled(calls))) {
        if (outcome.status === 'rejected') continue;
        const { members, sent, queued, dropped, closed } = outcome.value.counts;
        assert.deepEqual([members, sent + queued + dropped + closed], [2, 2]);
      }
    },
  },
  {
    name: 'publishes that are sent again after a broken connection keep their order, and none is doubled',
    needs: ['interrupt'],
    run: async ({ first }, faults, harness) => {
      await first.join('room');
      const texts = range(1, 40);
      const calls = texts.map(async (text) => first.layer.publish('room', saved(text)));
      await faults.interrupt(first.layer);
      const outcomes = await overTime(harness, Promise.allSettled(calls));
      const resolved = texts.filter((_, at) => outcomes[at]?.status === 'fulfilled');
      await inTime(
        harness,
        () => resolved.every((text) => first.texts('room').includes(text)),
        'what was taken arrives',
      );
      await flushed(harness, first);

      const heard = first.texts('room');
      assert.deepEqual(
        heard,
        texts.filter((text) => heard.includes(text)),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.match(String(outcome.reason.delivered), /^(not-sent|unknown)$/);
      }
    },
  },
];
