import type { Chart, ChartSeries } from './chart.ts';
import { clockTime, milliseconds, number } from '../format/format.ts';
import { html, table, type Markup, type TableColumn } from './markup.ts';

/** Rows of a chart's own table at most; the report's JSON has them all. */
const rowsMax = 60;

/**
 * A figure shows a chart with its title, what to look for, and its numbers as a table behind a disclosure. The picture
 * is drawn by the page's script; without it the table is still there.
 */
export function figure(chart: Chart): Markup {
  const title = `${chart.id}-chart-title`;
  return html`<figure class="chart ${chart.kind}" aria-labelledby="${title}">
    <figcaption><strong id="${title}">${chart.title}</strong> <span>${chart.caption}</span></figcaption>
    <div class="plot" data-chart="${chart.id}" role="img" aria-label="${spoken(chart)}"></div>
    <details>
      <summary>Numbers</summary>
      ${numbers(chart)}
    </details>
  </figure>`;
}

/** The picture in a sentence, for those who do not see it. */
function spoken(chart: Chart): string {
  const lines = chart.series.flatMap((series) => {
    const values = series.values.filter((value): value is number => value !== null);
    if (values.length === 0) return [];
    const read = (value: number): string => reading(chart, value);
    return `${series.label} from ${read(Math.min(...values))} to ${read(Math.max(...values))}`;
  });
  const marks = chart.marks.map((mark) => `${mark.label} at ${number(mark.x)} s`);
  const bands = chart.bands.map(({ from, to, label }) => `${label} from ${number(from)} to ${number(to)} s`);
  return `${chart.title}, ${chart.unit}: ${[...lines, ...bands, ...marks].join('; ')}`;
}

function numbers(chart: Chart): Markup {
  const columns: readonly TableColumn[] = [
    { title: chart.kind === 'time' ? 'time' : chart.xTitle, isNumber: true },
    ...chart.series.map((series) => ({ title: series.label, isNumber: true })),
  ];
  const step = Math.max(1, Math.ceil(chart.x.length / rowsMax));
  const rows = chart.x.flatMap((x, index) => {
    if (index % step !== 0 && index !== chart.x.length - 1) return [];
    return [[place(chart, x, index), ...chart.series.map((series) => valueOf(chart, series, index))]];
  });
  const every = step === 1 ? '' : `, every ${step} seconds`;
  return table(columns, rows, {
    caption: `${chart.title}${chart.kind === 'time' ? every : ''}`,
    isCaptionHidden: step === 1,
  });
}

function place(chart: Chart, x: number, index: number): string {
  return chart.kind === 'time' ? clockTime(x * 1_000) : (chart.labels[index] ?? '');
}

function valueOf(chart: Chart, series: ChartSeries, index: number): string {
  const value = series.values[index] ?? null;
  return value === null ? '–' : reading(chart, value);
}

function reading(chart: Chart, value: number): string {
  return chart.unit === 'ms' ? milliseconds(value) : number(value);
}
