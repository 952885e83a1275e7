import { describe, expect, test } from 'vitest';
import { parseThresholds } from '../../load/scenario/threshold.ts';
import { rule, type Evidence } from '../../load/result/verdict.ts';

const sound: Evidence = {
  clients: { intended: 10, connected: 10, refused: 0, dropped: 0, reconnected: 0, peak: 10 },
  ledger: {
    published: 100,
    expected: 1_000,
    received: 1_000,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    misrouted: 0,
    corrupt: 0,
    late: 0,
    indeterminate: 0,
    firstViolations: [],
  },
  thresholds: [],
  thresholdResults: [],
  errors: [],
  deadlineMs: 10_000,
  ledgerDecides: true,
  intendedPublishes: 100,
  scriptFailures: 0,
  joined: 10,
  drops: {},
  refusals: {},
  frames: {},
  firstFrames: [],
  cpuWait: 0.01,
  latenessP99Ms: 2,
  loopDelayP99Ms: 2,
};

const withLedger = (ledger: Partial<Evidence['ledger']>): Evidence => ({
  ...sound,
  ledger: { ...sound.ledger, ...ledger },
});

function withThreshold(expression: string, observed: number, passed: boolean, more: Partial<Evidence> = {}): Evidence {
  return {
    ...sound,
    thresholds: parseThresholds([expression]),
    thresholdResults: [{ expression, observed, passed }],
    ...more,
  };
}

describe('a run passes', () => {
  test('when every delivery that was due came once', () => {
    expect(rule(sound)).toEqual({ verdict: 'pass', reasons: [] });
  });

  test('in spite of a loss that a threshold allows', () => {
    const evidence = withThreshold('lost < 5', 3, true, { ledger: { ...sound.ledger, lost: 3, received: 997 } });
    expect(rule(evidence).verdict).toBe('pass');
  });

  test('when it only held sockets open', () => {
    expect(
      rule({ ...withLedger({ published: 0, expected: 0, received: 0 }), ledgerDecides: false, intendedPublishes: 0 })
        .verdict,
    ).toBe('pass');
  });
});

describe('a run fails', () => {
  for (const metric of ['lost', 'duplicated', 'reordered', 'misrouted', 'corrupt'] as const) {
    test(`on one delivery that is ${metric}, where no threshold names it`, () => {
      expect(rule(withLedger({ [metric]: 1 }))).toMatchObject({
        verdict: 'fail',
        reasons: [expect.stringContaining(`${metric} is 1`)],
      });
    });
  }

  for (const metric of ['refused', 'dropped'] as const) {
    test(`on one client that is ${metric}`, () => {
      expect(rule({ ...sound, clients: { ...sound.clients, [metric]: 1 } })).toMatchObject({
        verdict: 'fail',
        reasons: [expect.stringContaining(metric)],
      });
    });
  }

  test('on a broken threshold, saying what was observed', () => {
    const { verdict, reasons } = rule(withThreshold('fanout.p99 < 50ms', 71.25, false));
    expect(verdict).toBe('fail');
    expect(reasons).toEqual(['fanout.p99 < 50ms is broken: 71.25 was observed']);
  });

  test('on a client function that threw', () => {
    expect(
      rule({ ...sound, scriptFailures: 1, errors: [{ kind: 'client', count: 1, sample: 'client 3: Error: no' }] })
        .reasons,
    ).toEqual(['the client function failed 1 times: client 3: Error: no']);
  });
});

describe('what the server did to its clients is its failure', () => {
  const indeterminate = { expected: 10, received: 10, indeterminate: 900 };
  const starved = { cpuWait: 0.9 };

  test('in the first line, also where it made everything indeterminate', () => {
    const kicked = { ...withLedger(indeterminate), clients: { ...sound.clients, dropped: 10 }, drops: { 1011: 10 } };
    const { verdict, reasons } = rule(kicked);
    expect(verdict).toBe('fail');
    expect(reasons[0]).toContain('the server dropped 10 of 10 clients (dropped must be 0): 10 × close code 1011');
    expect(reasons[1]).toContain('nothing was proved');
  });

  test.each([
    ['a close frame', { dropped: 1 }, { drops: { 1008: 1 } }, 'fail'],
    ['a lost connection', { dropped: 1 }, { drops: { 1006: 1 } }, 'invalid'],
    ['an answer', { refused: 1 }, { refusals: { 'http-503': 1 } }, 'fail'],
    ['no answer', { refused: 1 }, { refusals: { 'connect-timeout': 1 } }, 'invalid'],
    ['a reset', { refused: 1 }, { refusals: { ECONNRESET: 1 } }, 'invalid'],
  ] as const)('%s, where the generators were starved', (_, counts, kinds, verdict) => {
    const evidence = { ...sound, clients: { ...sound.clients, ...counts }, ...kinds };
    expect(rule(evidence).verdict).toBe('fail');
    expect(rule({ ...evidence, ...starved }).verdict).toBe(verdict);
  });

  test('but our own shortage of ports is not', () => {
    const errors = [{ kind: 'EADDRNOTAVAIL', count: 1, sample: 'connect EADDRNOTAVAIL' }];
    const clients = { ...sound.clients, refused: 1 };
    expect(rule({ ...sound, clients, errors, refusals: { EADDRNOTAVAIL: 1 } }).verdict).toBe('invalid');
  });

  test('nor is what a threshold allows', () => {
    const allowed = withThreshold('dropped < 5', 3, true, {
      clients: { ...sound.clients, dropped: 3 },
      drops: { 1006: 3 },
    });
    expect(rule(allowed).verdict).toBe('pass');
  });
});

test('with every delivery lost, and that allowed, frames that are none make no pass', () => {
  const evidence = withThreshold('lost < 100000', 1_000, true, {
    ledger: { ...sound.ledger, received: 0, lost: 1_000 },
    frames: { other: 1_500 },
    firstFrames: ['{"tick":1}'],
  });
  expect(rule(evidence)).toMatchObject({ verdict: 'invalid', reasons: [expect.stringContaining('1500 frames came')] });
});

describe('a run that proves nothing is invalid', () => {
  test('when no delivery was expected', () => {
    expect(rule(withLedger({ expected: 0, received: 0 })).verdict).toBe('invalid');
  });

  test('when more than a tenth is indeterminate', () => {
    expect(rule(withLedger({ expected: 900, received: 900, indeterminate: 100 })).verdict).toBe('pass');
    expect(rule(withLedger({ expected: 899, received: 899, indeterminate: 101 })).verdict).toBe('invalid');
  });
});

describe('a generator that was itself the limit makes the run invalid', () => {
  test('when it waited for a CPU more than a quarter of the time', () => {
    expect(rule({ ...sound, cpuWait: 0.25 }).verdict).toBe('pass');
    expect(rule({ ...sound, cpuWait: 0.26 }).verdict).toBe('invalid');
  });

  for (const signal of ['latenessP99Ms', 'loopDelayP99Ms'] as const) {
    test(`when its ${signal} passes 10 ms or a fifth of the tightest latency threshold, whichever is more`, () => {
      const tight = (lag: number): Evidence => withThreshold('fanout.p99 < 20ms', 5, true, { [signal]: lag });
      const loose = (lag: number): Evidence => withThreshold('fanout.p99 < 1s', 5, true, { [signal]: lag });
      expect([tight(10), tight(11), loose(200), loose(201)].map((evidence) => rule(evidence).verdict)).toEqual([
        'pass',
        'invalid',
        'pass',
        'invalid',
      ]);
    });

    test(`when its ${signal} passes a quarter of the deadline, where the ledger alone decides`, () => {
      expect([2_500, 2_501].map((lag) => rule({ ...sound, [signal]: lag }).verdict)).toEqual(['pass', 'invalid']);
    });
  }

  test('when it sent less than 95 % of what was intended', () => {
    expect(rule({ ...sound, intendedPublishes: 105 }).verdict).toBe('pass');
    expect(rule({ ...sound, intendedPublishes: 106 }).verdict).toBe('invalid');
  });

  for (const kind of ['EMFILE', 'EADDRNOTAVAIL', 'EAGAIN']) {
    test(`when a connect failed with ${kind}`, () => {
      const evidence = {
        ...sound,
        clients: { ...sound.clients, refused: 1, connected: 9 },
        errors: [{ kind, count: 1, sample: '' }],
      };
      expect(rule(evidence)).toMatchObject({
        verdict: 'invalid',
        reasons: [expect.stringContaining(kind), expect.stringContaining('refused')],
      });
    });
  }

  test('but what no shortage of its own can bring about stays a failure', () => {
    for (const sin of ['duplicated', 'misrouted', 'corrupt'] as const) {
      expect(rule({ ...withLedger({ [sin]: 1 }), cpuWait: 0.9 }).verdict).toBe('fail');
    }
    for (const sin of ['lost', 'reordered'] as const)
      expect(rule({ ...withLedger({ [sin]: 1 }), cpuWait: 0.9 }).verdict).toBe('invalid');
    expect(rule(withThreshold('corrupt == 0', 1, false, { cpuWait: 0.9 })).verdict).toBe('fail');
  });
});
