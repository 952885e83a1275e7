import { describe, expect, test } from 'vitest';
import {
  hooksPaired,
  memoryBounded,
  noCauselessClose,
  noGhosts,
  ttlHonoured,
  type Checker,
  type Fault,
  type SimEvent,
} from 'channelbox/testing/simulator';
import { comes, ends, gets, runOf, said, says } from './written.ts';

const fault = (kind: Fault, who: object = {}): SimEvent => ({ t: 15, e: 'fault', fault: kind, ...who });

describe('ttlHonoured', () => {
  const checker = ttlHonoured({ seconds: 10 });
  const closed = (t: number): SimEvent[] => [ends(1, 'serverClose', 4408, t), ends(1, 'gone', 4408, t)];

  test('speaks of who is closed too early, and of who is silent for too long', () => {
    const early = said(checker, [comes(1), closed(6_000)]);
    expect(early.fault?.message).toBe('c1 was closed as silent 6000 ms after its last data frame');
    expect(said(checker, [comes(1), closed(13_000)]).fault?.message).toBe('c1 was silent for 13000 ms and still there');
    expect(said(checker, [comes(1)]).fault).toBeDefined();
  });

  test('counts from the last frame, whoever sent it', () => {
    expect(said(checker, [comes(1), says(1, '', { t: 6_000 }), closed(10_000)]).fault).toBeDefined();
    expect(said(checker, [comes(1), says(1, '', { t: 6_000 }), closed(16_000)])).toEqual({ checked: 1 });
    expect(said(checker, [comes(1), gets(1, [], { t: 6_000 }), closed(10_000)]).fault).toBeDefined();
    expect(said(checker, [comes(1), gets(1, [], { t: 6_000 }), closed(16_000)]).fault).toBeUndefined();
    expect(said(checker, [comes(1), says(1, '', { t: 6_000 }), closed(19_000)]).fault).toBeDefined();
  });

  test('does not speak of one that is closed in time, within the tolerance, nor of one that a fault has touched', () => {
    expect(said(checker, [comes(1), closed(10_000)])).toEqual({ checked: 1 });
    expect(said(checker, [comes(1), closed(10_900)]).fault).toBeUndefined();
    expect(said(checker, [comes(1), closed(11_200)]).fault).toBeDefined();
    expect(said(ttlHonoured({ seconds: 10, toleranceMs: 2_000 }), [comes(1), closed(11_200)]).fault).toBeUndefined();
    expect(said(checker, [comes(1), fault('stall', { c: 'c1' }), closed(30_000)])).toEqual({ checked: 0 });
    expect(said(checker, [comes(1), fault('stall', { c: 'c2' }), closed(30_000)]).fault).toBeDefined();
  });

  test('looks at nothing where all end by themselves before', () => {
    expect(said(checker, [comes(1), ends(1, 'close', 1000, 5_000), ends(1, 'gone', 1000, 5_001)])).toEqual({
      checked: 0,
    });
  });
});

describe('noCauselessClose', () => {
  const checker = noCauselessClose();
  const lost = [comes(1), ends(1, 'gone', 1006)];

  test('speaks of who is given up, or turned away as too slow, and of other codes where they are named', () => {
    const { fault: found } = said(checker, lost);
    expect(found?.message).toBe('c1 was closed with 1006, and nothing had happened to it');
    expect(found?.witness.map(({ e }) => e)).toEqual(['connect', 'gone']);
    expect(said(checker, [comes(1), ends(1, 'serverClose', 1013)]).fault).toBeDefined();
    expect(said(checker, [comes(1), ends(1, 'serverClose', 4408)]).fault).toBeUndefined();
    expect(said(noCauselessClose({ codes: [4408] }), [comes(1), ends(1, 'serverClose', 4408)]).fault).toBeDefined();
  });

  test('does not speak where a fault of its own, its own leaving, or its node is the cause', () => {
    for (const kind of ['cut', 'halfOpen', 'stall', 'slowReader'] as const)
      expect(said(checker, [comes(1), fault(kind, { c: 'c1' }), ends(1, 'gone', 1006)])).toEqual({ checked: 1 });
    for (const kind of ['pause', 'crash', 'drain'] as const)
      expect(said(checker, [comes(1), fault(kind, { node: 'n1' }), ends(1, 'gone', 1006)]).fault).toBeUndefined();
    expect(
      said(checker, [comes(1), { t: 30, e: 'drop', c: 'c1', conn: 1 }, ends(1, 'gone', 1006)]).fault,
    ).toBeUndefined();
    expect(said(checker, [comes(1), { t: 30, e: 'crash', node: 'n1' }, ends(1, 'close', 1006)]).fault).toBeUndefined();
  });

  test('a drain that has begun lets go of newcomers too, until its node is built anew', () => {
    const drain = fault('drain', { node: 'n1' });
    const late = [...comes(1, { t: 20 }), ends(1, 'gone', 1006)];
    expect(said(checker, [drain, late])).toEqual({ checked: 1 });
    expect(said(checker, [fault('drain', { node: 'n2' }), late]).fault).toBeDefined();
    expect(said(checker, [drain, { t: 18, e: 'crash', node: 'n1' }, late]).fault).toBeDefined();
  });

  test("another's fault, a clock that jumps, and a newcomer that is refused are no cause", () => {
    expect(said(checker, [comes(1), fault('cut', { c: 'c2' }), ends(1, 'gone', 1006)]).fault).toBeDefined();
    expect(said(checker, [comes(1), fault('crash', { node: 'n2' }), ends(1, 'gone', 1006)]).fault).toBeDefined();
    expect(said(checker, [comes(1), fault('clockJump', { node: 'n1' }), ends(1, 'gone', 1006)]).fault).toBeDefined();
    expect(said(checker, [comes(1), fault('refuse', { c: 'c1' }), ends(1, 'gone', 1006)]).fault).toBeDefined();
  });

  test('1013 is of the layer only where its handler failed with an error of the layer', () => {
    const partition = fault('layerPartition', { node: 'n1' });
    const failed = (c: string): SimEvent => ({
      t: 30,
      e: 'error',
      node: 'n1',
      c,
      text: 'CHANNELBOX_LAYER_DEADLINE in onReceive: …',
    });
    const turned = ends(1, 'serverClose', 1013);
    expect(said(checker, [comes(1), partition, failed('c1'), turned]).fault).toBeUndefined();
    expect(said(checker, [comes(1), partition, failed('c2'), turned]).fault).toBeDefined();
    expect(said(checker, [comes(1), partition, turned]).fault).toBeDefined();
    expect(said(checker, [comes(1), partition, turned, { ...failed('c1'), t: 60 }]).fault).toBeUndefined();
    expect(said(checker, [comes(1), partition, turned, { ...failed('c1'), t: 6_000 }]).fault).toBeDefined();
    expect(said(checker, [comes(1), partition, failed('c1'), ends(1, 'gone', 1006)]).fault).toBeDefined();
  });

  test('nor is it asked for the error of a handler whose node went down before that could be told', () => {
    const partition = fault('layerPartition', { node: 'n1' });
    const down = (t: number, node = 'n1'): SimEvent => ({ t, e: 'crash', node });
    const turned = [ends(1, 'serverClose', 1013), ends(1, 'gone', 1013)];
    expect(said(checker, [comes(1), partition, turned, down(160)])).toEqual({ checked: 1 });
    expect(said(checker, [comes(1), turned, down(160)]).fault).toBeDefined();
    expect(said(checker, [comes(1), partition, turned, down(6_000)]).fault).toBeDefined();
    expect(said(checker, [comes(1), partition, turned, down(160, 'n2')]).fault).toBeDefined();
    expect(said(checker, [comes(1), turned, { ...partition, t: 50 }, down(160)]).fault).toBeDefined();
  });

  test('looks at nothing where nobody was let in', () => {
    expect(said(checker, [{ t: 0, e: 'connect', c: 'c1', conn: 1 }, ends(1, 'close', 1006)])).toEqual({ checked: 0 });
  });
});

describe('noGhosts', () => {
  const checker = noGhosts();
  interface Here {
    readonly isThere?: boolean;
    readonly inspected?: { connections: number; memberships: number };
    readonly layer?: Map<string, string[]>;
    readonly members?: Map<string, string[]>;
  }
  const atTheEnd = ({ isThere = true, inspected, layer, members = new Map() }: Here): object => ({
    nodes: [{ name: 'n1', app: { inspect: () => inspected ?? { connections: 1, memberships: 1 } } }],
    facts: {
      connections: () => [{ node: 'n1', c: 'c1', conn: 1, groups: ['g'], isThere }],
      layerMembers: () => layer,
      appMembers: () => members,
    },
  });

  test('speaks of a connection whose client is gone, and of counts that are not those of the connections', () => {
    const { fault: found } = said(checker, [comes(1), ends(1, 'close', 1006)], atTheEnd({ isThere: false }));
    expect(found?.message).toBe('n1 still has connection 1 of c1, which is gone');
    expect(found?.witness.map(({ e }) => e)).toEqual(['connect', 'close']);
    const counted = atTheEnd({ inspected: { connections: 1, memberships: 2 } });
    expect(said(checker, [comes(1)], counted).fault?.message).toContain('2 memberships');
    expect(said(checker, [comes(1)], atTheEnd({ inspected: { connections: 2, memberships: 1 } })).fault).toBeDefined();
  });

  test('speaks of members that only the layer has, and of those that it lacks', () => {
    const one = new Map([['g', ['a']]]);
    expect(said(checker, [comes(1)], atTheEnd({ layer: one })).fault?.message).toContain('the layer lists a in g');
    expect(said(checker, [comes(1)], atTheEnd({ layer: new Map(), members: one })).fault?.message).toContain(
      'does not list it',
    );
    expect(said(checker, [comes(1)], atTheEnd({ layer: one, members: new Map([['h', ['a']]]) })).fault).toBeDefined();
  });

  test('does not speak where all is as it is at the clients', () => {
    const one = new Map([['g', ['a']]]);
    expect(said(checker, [comes(1)], atTheEnd({ layer: one, members: one }))).toEqual({ checked: 1 });
    expect(said(checker, [comes(1)], atTheEnd({}))).toEqual({ checked: 1 });
  });

  test('looks at nothing where nobody was let in, or only a recording is there', () => {
    expect(said(checker, [], atTheEnd({}))).toEqual({ checked: 0 });
    expect(said(checker, [comes(1)])).toEqual({ checked: 0 });
  });
});

describe('memoryBounded', () => {
  /** What a run that is watched through these readings comes to. */
  const read = (checker: Checker, ...readings: readonly (readonly [history: number, buffered: number])[]) => {
    const states = readings.map(([historyBytes, bufferedBytes]) => ({ historyBytes, bufferedBytes }));
    const nodes = [{ name: 'n1', app: { inspect: () => states.shift() } }];
    const run = runOf([comes(1)], { nodes });
    for (const _ of readings) (checker as Checker & { watch(view: typeof run): void }).watch(run);
    return checker.check(run);
  };
  const bounds = { historyBytes: 1_000, bufferedBytes: 100 };

  test('speaks where either bound is passed, be it for a moment, and says when', () => {
    const { fault: found } = read(memoryBounded(bounds), [10, 0], [1_001, 0], [10, 0]);
    expect(found?.message).toBe('n1 kept 1001 bytes of history and had 0 bytes waiting; allowed are 1000 and 100');
    expect(found?.witness).toHaveLength(1);
    expect(read(memoryBounded(bounds), [10, 101]).fault).toBeDefined();
  });

  test('does not speak up to the bounds, nor of what has none', () => {
    expect(read(memoryBounded(bounds), [1_000, 100])).toEqual({ checked: 1 });
    expect(read(memoryBounded({ historyBytes: 1_000 }), [10, 1e9]).fault).toBeUndefined();
  });

  test('looks at nothing where nothing is ever kept, or nobody watched', () => {
    expect(read(memoryBounded(bounds), [0, 0], [0, 0])).toEqual({ checked: 0 });
    expect(said(memoryBounded(bounds), [comes(1)])).toEqual({ checked: 0 });
  });
});

describe('hooksPaired', () => {
  const checker = hooksPaired();
  const hooks = (...steps: readonly string[]): object => ({
    facts: {
      hooks: steps.map((step) => {
        const [name, at] = step.split(' ');
        return { c: 'c1', conn: 1, name, step: at };
      }),
    },
  });
  const entered = ['onConnect begin', 'onConnect end'];
  const left = ['onDisconnect begin', 'onDisconnect end'];
  const gone = [comes(1), ends(1, 'gone', 1000)];

  test('speaks of one that is missing, that runs twice, and that runs too early', () => {
    expect(said(checker, gone, hooks(...entered)).fault?.message).toContain(
      'onDisconnect of c1 (connection 1) never ran',
    );
    expect(said(checker, gone, hooks(...left)).fault?.message).toContain('onConnect of c1 (connection 1) ran 0 times');
    expect(said(checker, gone, hooks(...entered, ...left, ...left)).fault?.message).toContain('ran 2 times');
    expect(said(checker, gone, hooks(...entered, ...entered, ...left)).fault?.message).toContain('ran 2 times');
    expect(said(checker, gone, hooks('onConnect begin', ...left, 'onConnect end')).fault?.message).toContain('before');
    expect(said(checker, [comes(1)], hooks(...entered, ...left)).fault?.message).toContain('the connection is there');
  });

  test('does not speak of a pair, of one that threw, of one that is there still, nor of a node that went', () => {
    expect(said(checker, gone, hooks(...entered, ...left))).toEqual({ checked: 1 });
    expect(said(checker, gone, hooks('onConnect begin', 'onConnect threw', ...left)).fault).toBeUndefined();
    expect(said(checker, [comes(1)], hooks(...entered))).toEqual({ checked: 1 });
    expect(said(checker, [comes(1), { t: 20, e: 'crash', node: 'n1' }], hooks('onConnect begin'))).toEqual({
      checked: 0,
    });
  });

  test('looks at nothing where a route has no hooks, or only a recording is there', () => {
    expect(said(checker, gone, hooks())).toEqual({ checked: 0 });
    expect(said(checker, gone)).toEqual({ checked: 0 });
  });
});
