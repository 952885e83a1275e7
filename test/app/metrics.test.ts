import parseMetrics from 'parse-prometheus-text-format';
import { App, ChannelBox, metricsText, type ChannelLayer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { MemoryLayer } from '../../src/layer/memory.ts';

/** By a parser that is not ours; `name_total` and what carries labels as one entry each. */
function read(app: App): ReadonlyMap<string, string> {
  const samples = parseMetrics(metricsText(app)).flatMap(({ name, metrics }) =>
    metrics.map((metric) => {
      const label = Object.values(metric.labels ?? {})[0];
      return [label === undefined ? name : `${name}:${label}`, metric.value ?? metric.count ?? ''] as const;
    }),
  );
  return new Map(samples);
}

const roomApp = (box?: ChannelBox): App =>
  new App(box === undefined ? {} : { channelBox: box }).wsRoute('/room/{name}', async (ws, { name }) => {
    await ws.accept();
    await ws.join(name);
    for await (const said of ws.iterJson()) await ws.channelBox.groupSend(name, said, { saveHistory: true });
  });

describe('metricsText', () => {
  test('tells everything of inspect(), and a foreign parser reads it', async () => {
    await using t = testApp(roomApp());
    const [ann] = await t.connectAll(3, '/room/7');
    ann.sendJson({ hello: 1 });
    await ann.expect({ hello: 1 });
    expect(await t.handshake('/nowhere')).toMatchObject({ kind: 'denied' });

    const samples = read(t.app);
    const { counters, ...gauges } = t.app.inspect();
    for (const [name, value] of Object.entries(gauges)) {
      expect(samples.get(`channelbox_${name.replaceAll(/[A-Z]/g, (at) => `_${at.toLowerCase()}`)}`), name).toBe(
        String(value),
      );
    }
    expect(samples.get('channelbox_accepted_total')).toBe('3');
    expect(samples.get('channelbox_layer_up')).toBe('1');
    const told = Object.entries(counters).flatMap(([name, value]): [string, string][] => {
      const full = `channelbox_${name.replaceAll(/[A-Z]/g, (at) => `_${at.toLowerCase()}`)}_total`;
      if (typeof value === 'number') return [[full, String(value)]];
      return Object.entries(value as Record<string, number>).map(([key, count]) => [`${full}:${key}`, String(count)]);
    });
    expect(told.filter(([name, value]) => samples.get(name) !== value)).toEqual([]);
  });

  test('has sizes and times of fan-outs and the delay of the event loop as histograms', async () => {
    await using t = testApp(roomApp());
    const [ann] = await t.connectAll(3, '/room/7');
    ann.sendJson([1]);
    ann.sendJson([2]);
    await ann.expectSequence([[1], [2]]);

    const families = new Map(parseMetrics(metricsText(t.app)).map((family) => [family.name, family]));
    const [size] = families.get('channelbox_fan_out_members')?.metrics ?? [];
    expect(size).toMatchObject({ count: '2', sum: '6', buckets: { '2.0': '0', '5.0': '2', '+Inf': '2' } });
    expect(families.get('channelbox_fan_out_seconds')?.metrics[0]).toMatchObject({ count: '2' });
    expect(families.get('channelbox_event_loop_delay_seconds')?.type).toBe('HISTOGRAM');
  });

  test('sees an event loop that was held up', async () => {
    await using app = new App();
    metricsText(app);
    const delays = (): string | undefined =>
      parseMetrics(metricsText(app)).find(({ name }) => name === 'channelbox_event_loop_delay_seconds')?.metrics[0]
        ?.count;
    await expect.poll(() => Number(delays())).toBeGreaterThan(1);
    const untilMs = performance.now() + 150;
    while (performance.now() < untilMs);
    await expect
      .poll(() => {
        const found = parseMetrics(metricsText(app)).find(({ name }) => name === 'channelbox_event_loop_delay_seconds')
          ?.metrics[0];
        return Number(found?.count) - Number(found?.buckets?.['0.1']);
      })
      .toBeGreaterThan(0);
  });

  test('tells what a layer says of itself', async () => {
    const layer: ChannelLayer = Object.assign(new MemoryLayer(), {
      health: () => ({ status: 'down "so"', behind: 2, nodes: ['a', 'b'], warnings: [] }),
      metrics: () => ({ published: 7, subscribedGroups: 3 }),
    });
    await using app = roomApp(new ChannelBox({ layer }));
    const samples = read(app);
    expect(Object.fromEntries([...samples].filter(([name]) => name.startsWith('channelbox_layer')))).toEqual({
      channelbox_layer_up: '0',
      'channelbox_layer_status:down "so"': '1',
      channelbox_layer_behind_groups: '2',
      channelbox_layer_nodes: '2',
      channelbox_layer_warnings: '0',
      channelbox_layer_published_total: '7',
      channelbox_layer_subscribed_groups: '3',
    });
  });

  test('is OpenMetrics: one family at a time, counters end with _total, nothing follows # EOF', async () => {
    await using app = roomApp();
    const lines = metricsText(app).trimEnd().split('\n');
    expect(lines.at(-1)).toBe('# EOF');
    const families = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
    expect(new Set(families).size).toBe(families.length);
    let family = '';
    const strays = lines.slice(0, -1).filter((line) => {
      const type = /^# TYPE (\S+) (\S+)$/.exec(line);
      if (type !== null) family = `${type[1] as string}${type[2] === 'counter' ? '_total' : ''}`;
      else if (!line.startsWith('# HELP '))
        return !new RegExp(`^${family}(_bucket|_count|_sum)?(\\{[^}]*\\})? \\S+$`).test(line);
      return false;
    });
    expect(strays).toEqual([]);
  });
});
