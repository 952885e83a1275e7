import { LatencyHistogram, type Percentiles } from '../../ledger/histogram.ts';
import type { RunReport } from '../../result/run-report.ts';

/** A table names one latency of a report in one row. */
export interface LatencyRow {
  readonly name: string;
  readonly title: string;
  readonly values: Percentiles;
}

/** Every latency that a report has, those of the sockets first. HTTP requests have a histogram only. */
export function latencyRows(report: RunReport): readonly LatencyRow[] {
  const { fanout, fanoutFromSend, lastReceiver, echo, connect, prepare } = report.latency;
  const encoded = report.histograms['http'];
  const http = encoded === undefined ? undefined : LatencyHistogram.decode(encoded).percentiles();
  const named: readonly (readonly [name: string, title: string, values: Percentiles | undefined])[] = [
    ['fanout', 'fan-out, from the intended send', fanout],
    ['fanoutFromSend', 'fan-out, from the actual send', fanoutFromSend],
    ['lastReceiver', 'last receiver of a message', lastReceiver],
    ['echo', 'echo to the sender', echo],
    ['connect', 'connect', connect],
    ['prepare', 'prepare, before the connect', prepare],
    ['http', 'HTTP request', http],
  ];
  return named.flatMap(([name, title, values]) => (values === undefined ? [] : [{ name, title, values }]));
}
