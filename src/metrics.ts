/** Writes what an app holds and has done as OpenMetrics text, for a collector to fetch. */
import { figuresOf, type App } from './app.ts';
import type { LayerHealth } from './layer/layer.ts';
import type { Buckets } from './time/histogram.ts';

const help: Readonly<Record<string, string>> = {
  connections: 'Sockets whose descriptor is not gone yet, and handshakes on their way.',
  channels: 'Open sockets that have a channel.',
  groups: 'Groups with members on this node.',
  memberships: 'Pairs of a group and a member on this node.',
  bufferedBytes: 'Bytes that wait for peers.',
  inboundBytes: 'Bytes that wait for handlers, unfinished messages and handshakes included.',
  headerBytes: 'Bytes of the requests that open sockets keep.',
  historyBytes: 'Bytes that kept messages cost this process.',
  handlers: "Functions of the app's own that are running.",
  accepted: 'Handshakes answered with 101.',
  refused: 'Handshakes answered otherwise, by who refused.',
  closed: 'Connections that have ended, by close code.',
  messagesIn: 'Messages received.',
  messagesOut: 'Messages sent.',
  bytesIn: 'Payload bytes received.',
  bytesOut: 'Payload bytes sent.',
  dropped: 'Messages that a slow member was not sent.',
  errors: "Errors thrown by the app's own code.",
};

/** The label of a count that is kept by something. */
const labels: Readonly<Record<string, string>> = { refused: 'reason', closed: 'code' };

/** Of a layer's figures those that also fall. */
const falling: ReadonlySet<string> = new Set(['subscribedGroups']);

/**
 * OpenMetrics text: everything of `inspect()`, fan-out sizes and times and event-loop delay as histograms, the layer's
 * health. Counts begin with the app; the event loop is watched from the first call on. Answer it with the media type
 * `application/openmetrics-text; version=1.0.0; charset=utf-8`, on an address that strangers do not reach.
 */
export function metricsText(app: App): string {
  const { counters, ...gauges } = app.inspect();
  const { fanOutSize, fanOutSeconds, loopDelay, layer } = figuresOf(app);
  const parts = [
    ...Object.entries(gauges).map(([name, value]) => family(name, 'gauge', [['', value as number]])),
    ...Object.entries(counters).map(([name, value]) => family(name, 'counter', samplesOf(name, value))),
    histogram('fan_out_members', 'Members that one publish was handed to on this node.', fanOutSize),
    histogram('fan_out_seconds', 'Time to hand one publish to all members of this node.', fanOutSeconds),
    histogram('event_loop_delay_seconds', 'How late the event loop was, since the first look.', loopDelay),
    ...layerFamilies(layer.health?.(), layer.metrics?.()),
  ];
  return `${parts.join('')}# EOF\n`;
}

type Sample = readonly [labels: string, value: number];

function samplesOf(name: string, value: number | Readonly<Record<string, number>>): Sample[] {
  if (typeof value === 'number') return [['', value]];
  const label = labels[name] ?? 'kind';
  return Object.entries(value).map(([key, count]) => [`{${label}="${escaped(key)}"}`, count]);
}

function layerFamilies(health: LayerHealth | undefined, metrics: object | undefined): string[] {
  const status = health?.status ?? 'up';
  const up = family(
    'layerUp',
    'gauge',
    [['', status === 'up' || status === 'recovering' ? 1 : 0]],
    'Whether the layer takes publishes.',
  );
  const state = family(
    'layerStatus',
    'gauge',
    [[`{status="${escaped(status)}"}`, 1]],
    'What the layer says of itself.',
  );
  const known: readonly (readonly [string, number | undefined])[] = [
    ['layerBehindGroups', health?.behind],
    ['layerNodes', health?.nodes?.length],
    ['layerWarnings', health?.warnings?.length],
  ];
  const gauges = known.flatMap(([name, value]) => (value === undefined ? [] : [family(name, 'gauge', [['', value]])]));
  const counts = Object.entries(metrics ?? {}).flatMap(([name, value]) => {
    if (typeof value !== 'number') return [];
    return [family(`layer ${name}`, falling.has(name) ? 'gauge' : 'counter', [['', value]])];
  });
  return [up, state, ...gauges, ...counts];
}

function family(
  name: string,
  type: 'gauge' | 'counter',
  samples: readonly Sample[],
  said: string = help[name] ?? words(name),
): string {
  const full = `channelbox_${snake(name)}`;
  const suffix = type === 'counter' ? '_total' : '';
  const lines = samples.map(([label, value]) => `${full}${suffix}${label} ${value}\n`);
  return `# TYPE ${full} ${type}\n# HELP ${full} ${said}\n${lines.join('')}`;
}

function histogram(name: string, said: string, { atMost, count, sum }: Buckets): string {
  const full = `channelbox_${name}`;
  const bounds: readonly (readonly [string, number])[] = [
    ...atMost.map(([bound, upTo]) => [Number.isInteger(bound) ? `${bound}.0` : String(bound), upTo] as const),
    ['+Inf', count],
  ];
  const buckets = bounds.map(([bound, upTo]) => `${full}_bucket{le="${bound}"} ${upTo}\n`).join('');
  return `# TYPE ${full} histogram\n# HELP ${full} ${said}\n${buckets}${full}_count ${count}\n${full}_sum ${sum}\n`;
}

function snake(name: string): string {
  return name.replaceAll(' ', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** For a count that nobody has described yet: its name, so that a new one is told all the same. */
function words(name: string): string {
  return `${snake(name).replaceAll('_', ' ')}.`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
