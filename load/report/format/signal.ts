import { parseThreshold } from '../../scenario/threshold.ts';
import { bytes, milliseconds, number, share } from './format.ts';

/** What a generator says of itself, in words, and what it may say before the run is void (docs/load.md). */
const signals: Readonly<Record<string, readonly [name: string, allowed: string]>> = {
  cpuWait: ['waited for a CPU, each second', '≤ 0.25 s'],
  cpuWaitWorstSecond: ['… in the worst second', ''],
  sentShare: ['intended publishes sent', '≥ 95 %'],
  latenessP50Ms: ['schedule lateness p50', ''],
  latenessP99Ms: ['schedule lateness p99', '≤ 10 ms, or 20 % of the tightest threshold'],
  latenessMaxMs: ['schedule lateness max', ''],
  loopDelayP99Ms: ['loop delay p99', '≤ 10 ms, or 20 % of the tightest threshold'],
  loopDelayMaxMs: ['loop delay max', ''],
  cpu: ['cores used', ''],
  cpuSeconds: ['CPU time', ''],
  utilization: ['event loop utilisation', ''],
  rssStartBytes: ['memory at the start', ''],
  rssPeakBytes: ['memory at the peak', ''],
  processes: ['generator processes', ''],
};

/** A signal has a name and a bound; a name that is not known is spelled out. */
export function signalOf(name: string): { readonly title: string; readonly allowed: string } {
  const [title, allowed] = signals[name] ?? [spaced(name), ''];
  return { title, allowed };
}

/** What a threshold met, in its unit. */
export function observedText(expression: string, observed: number): string {
  const threshold = parseThreshold(expression);
  const isLatency = !('problem' in threshold) && threshold.percentile !== undefined && threshold.percentile !== 'count';
  return isLatency ? milliseconds(observed) : number(observed);
}

/** `lagP99Ms` becomes `lag p99`. */
export function spaced(name: string): string {
  const words = name.replace(/(Ms|Bytes|Seconds)$/, '').replace(/([a-z])([A-Z0-9])/g, '$1 $2');
  return words
    .replaceAll(/ ([A-Z])(?=[a-z0-9])/g, (_, letter: string) => ` ${letter.toLowerCase()}`)
    .replace(/([a-z]) (\d+)$/, '$1 $2');
}

/** A number in the unit that its name ends with. */
export function reading(name: string, value: number): string {
  if (name.endsWith('Ms')) return milliseconds(value);
  if (name.endsWith('Bytes')) return bytes(value);
  if (name.endsWith('Seconds') || name.startsWith('cpuWait')) return `${number(value)} s`;
  if (/(Share|Ratio)$/.test(name)) return share(Number(value.toFixed(4)));
  return number(value);
}
