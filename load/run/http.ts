import type autocannonModule from 'autocannon';
import { LatencyHistogram } from '../ledger/histogram.ts';
import { peer } from '../../src/internal.ts';
import type { RunSummary } from '../plan/run-summary.ts';
import type { SideMetrics } from '../result/assemble.ts';

/** Requests to the HTTP side of the server that is loaded. */
export interface HttpLoad {
  /** A path of the first target, as `/health`, or a whole `http://…` address. */
  readonly url: string;
  /** Default 4. */
  readonly connections?: number;
  /** Requests a second of all connections together; default 100. */
  readonly perSecond?: number;
}

/** A load that runs until it is told to stop. */
export interface RunningHttpLoad {
  /** Ends it; a second call gives the same answer. */
  stop(): Promise<SideMetrics>;
}

type Autocannon = typeof autocannonModule;

/** Longer than any run; `stop` ends it. */
const durationS = 7 * 24 * 3_600;

/**
 * Asks the server's HTTP routes while its sockets are loaded, by autocannon.
 * @throws {ChannelBoxError} `CHANNELBOX_NO_PEER` where autocannon is not installed
 */
export async function startHttpLoad(http: HttpLoad, summary: RunSummary): Promise<RunningHttpLoad> {
  const { default: autocannon } = await peer(
    'autocannon',
    'the HTTP load',
    async () => (await import('autocannon')) as unknown as { default: Autocannon },
  );
  const target = new URL(summary.targets[0] as string);
  target.protocol = target.protocol === 'wss:' ? 'https:' : 'http:';
  const latency = new LatencyHistogram();
  const counts = { requests: 0, non2xx: 0, errors: 0 };
  const run = autocannon(
    {
      url: new URL(http.url, target).href,
      connections: http.connections ?? 4,
      overallRate: http.perSecond ?? 100,
      duration: durationS,
    },
    () => undefined,
  );
  run.on('response', (_client, status, _bytes, responseMs) => {
    counts.requests += 1;
    if (status < 200 || status > 299) counts.non2xx += 1;
    latency.recordUs(responseMs * 1_000);
  });
  run.on('reqError', () => {
    counts.errors += 1;
  });
  let extra: Promise<SideMetrics> | undefined;
  return {
    stop(): Promise<SideMetrics> {
      extra ??= new Promise((resolve) => {
        run.once('done', () => resolve(extraOf(http.url, counts, latency)));
        run.stop?.();
      });
      return extra;
    },
  };
}

function extraOf(
  url: string,
  counts: { requests: number; non2xx: number; errors: number },
  latency: LatencyHistogram,
): SideMetrics {
  const errors = [
    ...(counts.non2xx === 0
      ? []
      : [{ kind: 'http-non-2xx', count: counts.non2xx, sample: `${url} was answered outside 200–299` }]),
    ...(counts.errors === 0 ? [] : [{ kind: 'http-error', count: counts.errors, sample: `${url} was not answered` }]),
  ];
  return {
    errors,
    histograms: { http: latency.encode() },
    generator: {
      httpRequests: counts.requests,
      httpP50Ms: latency.percentileMs(50),
      httpP99Ms: latency.percentileMs(99),
    },
  };
}
