import assert from 'node:assert/strict';
import type { EntryPage, HistoryQuery, Position } from 'channelbox';
import type { ConformanceCase } from './case.ts';
import { Cluster, type LayerHarness } from './layer-harness.ts';
import { saved, saying, textOf, type StubNode } from './layer-node.ts';

/** History: positions, bounds, gaps that are told. */
export function historyCases(harness: LayerHarness): ConformanceCase[] {
  return [...positionCases(harness), ...boundCases(harness), ...flushCases(harness)];
}

async function fill(node: StubNode, count: number, group = 'room'): Promise<Position[]> {
  const positions: Position[] = [];
  for (let at = 1; at <= count; at += 1) {
    const { position } = await node.layer.publish(group, saved(String(at)));
    assert.ok(position !== undefined, 'a saved message has a position');
    positions.push(position);
  }
  return positions;
}

async function read(node: StubNode, query: Partial<HistoryQuery> = {}, group = 'room'): Promise<EntryPage> {
  return node.layer.history(group, { keep: 'oldest', ...query });
}

function texts(page: EntryPage): string[] {
  return page.entries.map(({ payload }) => textOf(payload));
}

function positionCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'saved messages are numbered from 1 on in one epoch, others take no number',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        const one = await first.layer.publish('room', saved('1'));
        const none = await first.layer.publish('room', saying('-'));
        const two = await first.layer.publish('room', saved('2'));

        assert.equal(none.position, undefined);
        assert.deepEqual([one.position?.offset, two.position?.offset], [1, 2]);
        assert.equal(one.position?.epoch, two.position?.epoch);
        assert.deepEqual(
          first.delivered.map(({ entry }) => entry?.position.offset),
          [1, undefined, 2],
        );
      },
    },
    {
      name: 'an entry has its own uuid and its time, the same for members and readers',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        await fill(first, 2);

        const { entries } = await read(first);
        assert.equal(new Set(entries.map(({ uuid }) => uuid)).size, 2);
        assert.deepEqual(
          entries.map(({ uuid, created, position }) => ({ uuid, created, position })),
          first.delivered.map(({ entry }) => ({
            uuid: entry?.uuid,
            created: entry?.created,
            position: entry?.position,
          })),
        );
        const nowSeconds = (harness.time?.clock.now() ?? Date.now()) / 1000;
        for (const { created } of entries) assert.ok(Math.abs(created - nowSeconds) < 60, 'created is in Unix seconds');
      },
    },
    {
      name: 'saving needs no members',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const published = await cluster.first.layer.publish('room', saved('1'));
        assert.equal(published.exists, false);
        assert.deepEqual(texts(await read(cluster.first)), ['1']);
        assert.deepEqual(cluster.first.delivered, []);
      },
    },
    {
      name: 'a group without history is recovered from nothing',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const page = await read(cluster.first);
        assert.deepEqual([page.entries, page.recovered, page.position.offset], [[], true, 0]);
        assert.deepEqual(await cluster.first.layer.historyGroups(), []);
      },
    },
    {
      name: 'an empty group read, then written, is recovered from that position',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { position } = await read(cluster.first);
        await fill(cluster.first, 2);
        const page = await read(cluster.first, { since: position });
        assert.deepEqual([texts(page), page.recovered], [['1', '2'], true]);
      },
    },
    {
      name: 'what came since a position is given, oldest first, and where it ends',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const positions = await fill(cluster.first, 5);
        const page = await read(cluster.first, { since: positions[1] });
        assert.deepEqual([texts(page), page.recovered, page.position], [['3', '4', '5'], true, positions[4]]);
        const rest = await read(cluster.first, { since: page.position });
        assert.deepEqual([texts(rest), rest.recovered, rest.position], [[], true, positions[4]]);
      },
    },
    {
      name: 'a limit pages forward from the oldest until all is read',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        await fill(cluster.first, 5);
        const seen: string[] = [];
        let since: Position | undefined;
        for (let pages = 0; pages < 3; pages += 1) {
          const page = await read(cluster.first, { since, limit: 2 });
          assert.equal(page.recovered, true);
          seen.push(...texts(page));
          since = page.position;
        }
        assert.deepEqual(seen, ['1', '2', '3', '4', '5']);
      },
    },
    {
      name: 'a limit that keeps the newest says what it cut off',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const positions = await fill(cluster.first, 5);
        const cut = await read(cluster.first, { limit: 2, keep: 'newest' });
        assert.deepEqual([texts(cut), cut.recovered, cut.position], [['4', '5'], false, positions[4]]);
        const whole = await read(cluster.first, { limit: 5, keep: 'newest' });
        assert.deepEqual([texts(whole).length, whole.recovered], [5, true]);
        const none = await read(cluster.first, { limit: 0, keep: 'newest', since: positions[3] });
        assert.deepEqual([texts(none), none.recovered, none.position], [[], false, positions[4]]);
      },
    },
    {
      name: 'a position past the end, or of another epoch, is not recovered',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const positions = await fill(cluster.first, 2);
        const top = positions[1] as Position;
        for (const since of [
          { ...top, offset: 3 },
          { ...top, offset: 2 ** 52 },
          { ...top, epoch: 'another' },
        ]) {
          const page = await read(cluster.first, { since });
          assert.deepEqual([texts(page), page.recovered], [['1', '2'], false]);
        }
      },
    },
    {
      name: 'a page is given only after all that it holds was delivered, and nothing newer before it says so',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await first.join('room');
        for (let round = 0; round < 10; round += 1) {
          const publishing = [1, 2, 3].map(async () => first.layer.publish('room', saved(String(round))));
          if (round % 3 === 2) publishing.push((async () => first.layer.flushHistory('room'))() as never);
          let newFrom: number | undefined;
          const caughtUp = (): void => {
            newFrom = first.delivered.length;
          };
          const reading = first.layer.history('room', { keep: 'oldest', caughtUp });
          // An answer that is there at once is given before anything newer.
          if (!(reading instanceof Promise)) caughtUp();
          const after = [4, 5].map(async () => first.layer.publish('room', saved(`after ${round}`)));
          const page = await reading;
          const old = first.delivered.slice(0, newFrom ?? first.delivered.length);
          await Promise.all([...publishing, ...after]);

          const uuids = page.entries.map(({ uuid }) => uuid);
          assert.deepEqual(uuids, uuids.length === 0 ? [] : old.slice(-uuids.length).map(({ entry }) => entry?.uuid));
        }
      },
    },
    {
      name: 'while it is read, nothing falls between the page and what is delivered',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const publishing: Promise<unknown>[] = [];
        for (let at = 0; at < 20; at += 1)
          publishing.push((async () => first.layer.publish('room', saved(String(at))))());
        await first.join('room');
        for (let at = 20; at < 40; at += 1)
          publishing.push((async () => first.layer.publish('room', saved(String(at))))());
        const page = await read(first);
        for (let at = 40; at < 60; at += 1)
          publishing.push((async () => first.layer.publish('room', saved(String(at))))());
        await Promise.all(publishing);
        await harness.settle();

        const live = first.delivered.filter(({ entry }) => (entry?.position.offset ?? 0) > page.position.offset);
        const seen = [...texts(page), ...live.map(({ text }) => text)];
        assert.deepEqual(
          seen,
          Array.from({ length: 60 }, (_, at) => String(at)),
        );
      },
    },
  ];
}

function boundCases(harness: LayerHarness): ConformanceCase[] {
  const cases: ConformanceCase[] = [
    {
      name: 'the oldest leave first past the count, and the gap is told',
      run: async () => {
        await using cluster = await Cluster.of(harness, 1, { countMax: 3 });
        const positions = await fill(cluster.first, 10);
        const all = await read(cluster.first);
        assert.deepEqual([texts(all), all.recovered], [['8', '9', '10'], true]);
        assert.equal((await read(cluster.first, { since: positions[5] })).recovered, false);
        const edge = await read(cluster.first, { since: positions[6] });
        assert.deepEqual([texts(edge), edge.recovered], [['8', '9', '10'], true]);
      },
    },
    {
      name: 'the oldest leave first past the bytes of the payloads',
      run: async () => {
        await using cluster = await Cluster.of(harness, 1, { bytesMax: 10 });
        const { first } = cluster;
        for (const text of ['aaaa', 'bbbb', 'éé']) await first.layer.publish('room', saved(text));
        assert.deepEqual(texts(await read(first)), ['bbbb', 'éé']);
        await first.layer.publish('room', saved('x'.repeat(10)));
        assert.deepEqual(texts(await read(first)), ['x'.repeat(10)]);
      },
    },
    {
      name: 'a message that alone passes the bytes is refused, reaches nobody and takes no number',
      run: async () => {
        await using cluster = await Cluster.of(harness, 1, { bytesMax: 10 });
        const { first } = cluster;
        await first.join('room');
        await fill(first, 1);
        const publishing = async (): Promise<unknown> => first.layer.publish('room', saved('x'.repeat(11)));
        await assert.rejects(publishing(), { code: 'CHANNELBOX_MESSAGE_TOO_LARGE' });
        await first.layer.publish('room', saying('x'.repeat(11)));
        const { position } = await first.layer.publish('room', saved('2'));
        assert.equal(position?.offset, 2);
        assert.deepEqual(first.texts('room'), ['1', 'x'.repeat(11), '2']);
      },
    },
    {
      name: 'what it keeps can be asked for in bytes',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        await fill(cluster.first, 3);
        assert.ok(Number.isFinite(cluster.first.layer.historyBytes) && cluster.first.layer.historyBytes >= 0);
      },
    },
  ];
  const { time } = harness;
  if (time === undefined) return cases;
  return [
    ...cases,
    {
      name: 'messages leave when they are too old, and the gap is told',
      run: async () => {
        await using cluster = await Cluster.of(harness, 1, { ttlMs: 1000 });
        const [one] = await fill(cluster.first, 1);
        await time.advance(600);
        await cluster.first.layer.publish('room', saved('2'));
        await time.advance(400);
        const page = await read(cluster.first);
        assert.deepEqual(texts(page), ['2']);
        assert.equal((await read(cluster.first, { since: one })).recovered, true);
        await time.advance(600);
        const late = await read(cluster.first, { since: one });
        assert.deepEqual([texts(late), late.recovered], [[], false]);
      },
    },
  ];
}

function flushCases(harness: LayerHarness): ConformanceCase[] {
  return [
    {
      name: 'a flushed group begins a new epoch, and no old position is recovered in it',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        const [one] = await fill(first, 2);
        await fill(first, 1, 'other');

        await first.layer.flushHistory('room');

        assert.deepEqual(await first.layer.historyGroups(), ['other']);
        assert.equal((await read(first, { since: one })).recovered, false);
        await fill(first, 3);
        const page = await read(first, { since: one });
        assert.deepEqual([texts(page), page.recovered], [['1', '2', '3'], false]);
        assert.notEqual(page.position.epoch, one?.epoch);
      },
    },
    {
      name: 'all groups are flushed at once',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const { first } = cluster;
        await fill(first, 2);
        await fill(first, 1, 'other');
        await first.layer.flushHistory();
        assert.deepEqual(await first.layer.historyGroups(), []);
        assert.deepEqual(texts(await read(first)), []);
      },
    },
    {
      name: 'a flush of what was never written changes nothing',
      run: async () => {
        await using cluster = await Cluster.of(harness);
        const [one] = await fill(cluster.first, 2);
        await cluster.first.layer.flushHistory('never');
        assert.equal((await read(cluster.first, { since: one })).recovered, true);
      },
    },
  ];
}
