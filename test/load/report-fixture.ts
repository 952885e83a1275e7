import { build, encodeIntoCompressedBase64 } from 'hdr-histogram-js';
import type { Failed, Invalid, Passed, Percentiles, RunReport } from 'channelbox/load';

/** What a fixture may be told to be. */
export interface FixtureOptions {
  readonly verdict?: 'pass' | 'fail' | 'invalid';
  readonly scenario?: string;
  /** Every latency is multiplied by it. */
  readonly slowdown?: number;
  readonly rounds?: readonly Readonly<Record<string, number>>[];
  readonly seconds?: number;
}

/** A report as a run over a chat server would give it: two hundred clients, a storm in the middle, one message lost where it fails. */
export function reportFixture(options: FixtureOptions = {}): RunReport {
  const { verdict = 'pass', scenario = 'chat under storm', slowdown = 1, seconds = 60 } = options;
  const random = randomFrom(7);
  const { latency, encoded } = latenciesOf(slowdown);
  const lost = verdict === 'fail' ? 3 : 0;
  const expected = 59_810;
  const measured: Omit<Passed, 'verdict'> = {
    schema: 1,
    scenario,
    seed: 42,
    environment: {
      target: 'ws://127.0.0.1:8000',
      client: 'ws',
      processes: 2,
      node: '20.20.2',
      platform: 'linux x64',
      cpu: 'A processor <8 cores> & "fast"',
      cores: 2,
      memoryBytes: 25_274_875_904,
      startedAt: '2026-03-04T05:06:07.000Z',
    },
    clients: { intended: 200, connected: 200, refused: 0, dropped: 0, reconnected: 50, peak: 200 },
    ledger: {
      published: 6_000,
      expected,
      received: expected - lost,
      lost,
      duplicated: 0,
      reordered: 0,
      misrouted: 0,
      corrupt: 0,
      late: verdict === 'fail' ? 1 : 0,
      indeterminate: 212,
      firstViolations:
        verdict === 'fail'
          ? [
              { kind: 'lost', room: 'room-3', sender: 17, sequence: 91, receiver: 140 },
              { kind: 'late', room: '<b>room-4</b>', sender: 3, sequence: 12, receiver: 44 },
            ]
          : [],
    },
    latency,
    closes: { '1000': 150, '1006': 50 },
    errors:
      verdict === 'fail' ? [{ kind: 'socket', count: 2, sample: 'read ECONNRESET <script>alert(1)</script>' }] : [],
    thresholds: [
      { expression: 'fanout.p99 < 50ms', observed: latency.fanout.p99, passed: true },
      { expression: 'lost == 0', observed: lost, passed: lost === 0 },
    ],
    generator: {
      cpuWait: verdict === 'invalid' ? 0.59 : 0.013,
      cpu: 0.36,
      cpuSeconds: 21.4,
      loopDelayP99Ms: 1.7,
      rssPeakBytes: 181_403_648,
      sentShare: 0.998,
      latenessP99Ms: 2.1,
      processes: 2,
    },
    series: Array.from({ length: seconds }, (_, second) => row(second, random, slowdown)),
    rooms: [2, 4, 8, 16, 32, 64].map((size, index) => ({
      size,
      rooms: 20 >> (index / 2),
      fanout: scaled(latency.fanout, 0.7 + index * 0.15),
      lost: index === 3 ? lost : 0,
    })),
    marks: [
      { atMs: 30_000, what: 'storm: 25 % reconnect' },
      { atMs: 45_000, what: 'slow readers: 5 %' },
    ],
    stages: [
      slice('rampTo 200', [0, 20_000], latency.fanout),
      slice('hold', [20_000, seconds * 1_000], latency.fanout),
    ],
    targets: [slice('ws://127.0.0.1:8000/', [0, seconds * 1_000], latency.fanout)],
    frames: { joined: 200, tick: 1_500 },
    reconnects: { clients: 50, p50: 410, p95: 920, all: 1_004 },
    histograms: encoded,
    ...(options.rounds === undefined ? {} : { rounds: options.rounds }),
  };
  if (verdict === 'pass') return { ...measured, verdict } satisfies Passed;
  if (verdict === 'fail') return { ...measured, verdict, reasons: ['lost is 3, allowed 0'] } satisfies Failed;
  const reasons = ['the generators waited 0.59 s/s for a CPU, allowed 0.25: fewer clients here, or more machines'];
  return { ...measured, verdict, reasons } satisfies Invalid;
}

function slice(name: string, [fromMs, toMs]: readonly [number, number], fanout: Percentiles): Passed['stages'][number] {
  return { name, fromMs, toMs, published: 3_000, received: 29_900, lost: 0, fanout, connect: scaled(fanout, 0.5) };
}

interface Latencies {
  readonly latency: Passed['latency'];
  readonly encoded: Readonly<Record<string, string>>;
}

const known = new Map<number, Latencies>();

/** Recorded once for each slowdown: the values are the same each time. */
function latenciesOf(slowdown: number): Latencies {
  const found = known.get(slowdown);
  if (found !== undefined) return found;
  const random = randomFrom(11);
  const histograms = {
    connect: histogram(200, () => 900 + 4_000 * random() ** 6 * slowdown),
    fanout: histogram(59_807, () => (1_400 + 8_000 * random() ** 9) * slowdown),
    fanoutFromSend: histogram(59_807, () => (1_200 + 7_000 * random() ** 9) * slowdown),
    lastReceiver: histogram(6_000, () => (2_400 + 14_000 * random() ** 7) * slowdown),
  };
  const latencies: Latencies = {
    latency: {
      connect: percentiles(histograms.connect),
      fanout: percentiles(histograms.fanout),
      fanoutFromSend: percentiles(histograms.fanoutFromSend),
      lastReceiver: percentiles(histograms.lastReceiver),
    },
    encoded: Object.fromEntries(
      Object.entries(histograms).map(([name, values]) => [name, encodeIntoCompressedBase64(values)]),
    ),
  };
  known.set(slowdown, latencies);
  return latencies;
}

type Histogram = ReturnType<typeof build>;

function histogram(count: number, microseconds: () => number): Histogram {
  const values = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  for (let i = 0; i < count; i += 1) values.recordValue(Math.round(microseconds()));
  return values;
}

function percentiles(values: Histogram): Percentiles {
  const at = (percentile: number): number => values.getValueAtPercentile(percentile) / 1_000;
  const min = values.minNonZeroValue / 1_000;
  return {
    count: values.totalCount,
    min,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: values.maxValue / 1_000,
  };
}

function scaled(from: Percentiles, factor: number): Percentiles {
  const { count, min, p50, p90, p95, p99, p999, max } = from;
  return {
    count,
    min: min * factor,
    p50: p50 * factor,
    p90: p90 * factor,
    p95: p95 * factor,
    p99: p99 * factor,
    p999: p999 * factor,
    max: max * factor,
  };
}

function row(second: number, random: () => number, slowdown: number): Record<string, number> {
  const isStorm = second >= 30 && second < 33;
  const connected = Math.min(200, second * 20) - (isStorm ? 50 - (second - 30) * 15 : 0);
  const published = connected * 0.5;
  const load = isStorm ? 3 : 1;
  return {
    atMs: (second + 1) * 1_000,
    connected,
    intended: Math.min(100, second * 10),
    published: Math.round(published * (0.97 + random() * 0.04)),
    delivered: Math.round(published * 10 * (0.95 + random() * 0.1)),
    p50: (1.4 + random() * 0.2) * load * slowdown,
    p99: (7 + random() * 3) * load * slowdown,
    p999: (9 + random() * 8) * load * slowdown,
    lagP99: 1 + random(),
    latenessP99: 0.4 + random(),
  };
}

/** Mulberry-like steps are enough for a picture; the same seed draws the same one. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
