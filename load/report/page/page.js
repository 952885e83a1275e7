// @ts-check
/// <reference lib="es2022" />
/// <reference lib="dom" />
/**
 * Draws the charts of a report page. Runs in the browser, inlined after uPlot; the page carries the same numbers as tables.
 *
 * @typedef {{ label: string, colour: number, isDashed?: boolean, values: (number | null)[] }} Series
 * @typedef {{
 *   id: string, title: string, kind: 'time' | 'percentile' | 'category', shape: 'line' | 'bars', unit: string,
 *   isLogarithmic: boolean, x: number[], labels: string[], xTitle: string, series: Series[],
 *   limits: { value: number, label: string }[], marks: { x: number, label: string }[],
 *   bands: { from: number, to: number, label: string }[],
 * }} Chart
 */
(() => {
  /** @type {any} */
  const uPlot = /** @type {any} */ (globalThis).uPlot;
  /** @type {Chart[]} */
  const charts = JSON.parse(document.getElementById('charts')?.textContent ?? '[]');
  const heightPx = 250;
  const font = '12px system-ui, sans-serif';
  const markRowsMax = 3;
  const markRowPx = 15;
  /** Marks are named above the plot, in rows. @param {Chart} chart */
  const markRows = (chart) => Math.min(markRowsMax, chart.marks.length);
  /** @type {{ plot: any, place: HTMLElement }[]} */
  let drawn = [];

  /** @param {string} name */
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /** @param {number} value */
  const short = (value) => {
    const size = Math.abs(value);
    if (size >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
    return String(Number(value.toPrecision(3)));
  };

  /** @param {number} value */
  const milliseconds = (value) => (value >= 999.5 ? `${short(value / 1000)} s` : `${short(value)} ms`);

  /** @param {number} seconds */
  const time = (seconds) => {
    if (seconds < 60) return `${short(seconds)} s`;
    const rest = String(Math.floor(seconds % 60)).padStart(2, '0');
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes}:${rest}`;
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${rest}`;
  };

  /** @param {Chart} chart */
  const reader = (chart) => (chart.unit === 'ms' ? milliseconds : short);

  /** @param {Chart} chart @param {number} x @param {number | null} index */
  const placeName = (chart, x, index) => {
    if (chart.kind === 'time') return time(x);
    return chart.labels[index ?? -1] ?? '';
  };

  /** Every n-th name where not all fit. @param {Chart} chart @param {any} plot @param {number[]} splits */
  const categoryNames = (chart, plot, splits) => {
    const longest = Math.max(...chart.labels.map((label) => label.length)) * 7 + 10;
    const step = Math.max(1, Math.ceil((longest * chart.x.length) / Math.max(1, plot.width - 60)));
    return splits.map((at) => (Number.isInteger(at) && at % step === 0 ? (chart.labels[at] ?? '') : ''));
  };

  /** @param {number} nines */
  const percentileName = (nines) => `${Number((100 * (1 - 10 ** -nines)).toFixed(6))} %`;

  /** @param {Chart} chart */
  const xAxis = (chart) => {
    const common = {
      font,
      stroke: colour('soft'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { stroke: colour('grid') },
    };
    const last = chart.x.at(-1) ?? 0;
    if (chart.kind === 'time') {
      return { ...common, values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(time) };
    }
    if (chart.kind === 'percentile') {
      const whole = Array.from({ length: Math.floor(last) + 1 }, (_, nines) => nines);
      return {
        ...common,
        splits: () => whole,
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) =>
          splits.map((at) => (at === 0 ? 'min' : percentileName(at))),
      };
    }
    return {
      ...common,
      grid: { show: false },
      splits: () => chart.x,
      values: (/** @type {any} */ plot, /** @type {number[]} */ splits) => categoryNames(chart, plot, splits),
    };
  };

  /** @param {Chart} chart */
  const scales = (chart) => {
    const values = chart.series.flatMap((series) => series.values).concat(chart.limits.map((limit) => limit.value));
    const known = /** @type {number[]} */ (
      values.filter((value) => value !== null && (!chart.isLogarithmic || value > 0))
    );
    const top = known.reduce((most, value) => Math.max(most, value), 0);
    const bottom = known.reduce((least, value) => Math.min(least, value), Infinity);
    const y = chart.isLogarithmic
      ? { distr: 3, range: () => uPlot.rangeLog(bottom, top * 1.1, 10, false) }
      : { range: () => [0, top === 0 ? 1 : top * 1.12] };
    const last = chart.x.at(-1) ?? 1;
    const first = chart.x[0] ?? 0;
    if (chart.kind === 'category') return { x: { time: false, range: () => [-0.6, last + 0.6] }, y };
    return {
      x: { time: false, range: () => [chart.kind === 'time' ? Math.min(0, first) : 0, Math.max(last, first + 0.001)] },
      y,
    };
  };

  /** Stalls, behind the lines. @param {Chart} chart */
  const shades = (chart) => (/** @type {any} */ plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const band of chart.bands) {
      const from = plot.valToPos(band.from, 'x', true);
      const to = plot.valToPos(band.to, 'x', true);
      ctx.globalAlpha = 0.16;
      ctx.fillStyle = colour('limit');
      ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
      ctx.globalAlpha = 1;
      ctx.font = `${11 * uPlot.pxRatio}px system-ui, sans-serif`;
      ctx.textBaseline = 'top';
      ctx.fillText(band.label, from + 4 * uPlot.pxRatio, bbox.top + 4 * uPlot.pxRatio);
    }
    ctx.restore();
  };

  /** Threshold lines, and the marks. @param {Chart} chart */
  const annotations = (chart) => (/** @type {any} */ plot) => {
    const { ctx, bbox } = plot;
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.lineWidth = ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.strokeStyle = ctx.fillStyle = colour('limit');
    for (const limit of chart.limits) {
      const y = plot.valToPos(limit.value, 'y', true);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = 'left';
      ctx.textBaseline = 'bottom';
      ctx.fillText(limit.label, bbox.left + 6 * ratio, y - 3 * ratio);
    }
    ctx.restore();
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.lineWidth = ratio;
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.strokeStyle = ctx.fillStyle = colour('mark');
    ctx.textBaseline = 'middle';
    chart.marks.forEach((mark, index) => {
      const x = plot.valToPos(mark.x, 'x', true);
      const y = bbox.top - (markRows(chart) - (index % markRowsMax) - 0.5) * markRowPx * ratio;
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const isLate = x + 8 * ratio + ctx.measureText(mark.label).width > bbox.left + bbox.width;
      ctx.textAlign = isLate ? 'right' : 'left';
      ctx.fillText(mark.label, x + (isLate ? -5 : 5) * ratio, y);
    });
    ctx.restore();
  };

  /** @param {Chart} chart @param {Series} series */
  const line = (chart, series) => {
    const stroke = colour(`series-${series.colour}`);
    const read = reader(chart);
    const isBars = chart.shape === 'bars';
    return {
      label: series.label,
      stroke,
      width: isBars ? 0 : 1.75,
      ...(series.isDashed ? { dash: [6, 4] } : {}),
      ...(isBars ? { fill: stroke, paths: uPlot.paths.bars({ size: [0.82, 72] }), points: { show: false } } : {}),
      ...(chart.kind === 'category' && !isBars ? { points: { show: true, size: 7, fill: stroke } } : {}),
      ...(chart.kind !== 'category' ? { points: { show: series.values.length === 1 } } : {}),
      spanGaps: chart.kind === 'percentile',
      value: (/** @type {any} */ _, /** @type {number | null} */ value) =>
        value === null || value === undefined ? '' : read(value),
    };
  };

  /** @param {Chart} chart @param {number} width */
  const options = (chart, width) => {
    const read = reader(chart);
    return {
      width,
      height: heightPx,
      padding: [10 + markRows(chart) * markRowPx, null, null, null],
      scales: scales(chart),
      cursor: { y: false, points: { size: 7 } },
      legend: { live: true },
      axes: [
        xAxis(chart),
        {
          font,
          size: 62,
          stroke: colour('soft'),
          grid: { stroke: colour('grid'), width: 1 },
          ticks: { stroke: colour('grid') },
          values: (/** @type {any} */ _, /** @type {(number | null)[]} */ splits) =>
            splits.map((value) => (value === null ? '' : read(value))),
        },
      ],
      series: [
        {
          label: '\u00a0',
          /** uPlot hands itself, the value, the series and the index. @param {any[]} handed */
          value: (...handed) =>
            handed[1] === null || handed[1] === undefined ? '' : placeName(chart, handed[1], handed[3]),
        },
        ...chart.series.map((series) => line(chart, series)),
      ],
      hooks: { drawClear: [shades(chart)], draw: [annotations(chart)] },
    };
  };

  const draw = () => {
    for (const { plot } of drawn) plot.destroy();
    drawn = charts.flatMap((chart) => {
      const place = document.querySelector(`[data-chart="${chart.id}"]`);
      if (!(place instanceof HTMLElement)) return [];
      const rows = chart.series.map(({ values }) =>
        chart.isLogarithmic ? values.map((value) => (value !== null && value > 0 ? value : null)) : values,
      );
      const plot = new uPlot(options(chart, Math.max(240, place.clientWidth)), [chart.x, ...rows], place);
      return [{ plot, place }];
    });
    document.documentElement.dataset['drawn'] = String(drawn.length);
  };

  const fit = () => {
    for (const { plot, place } of drawn) {
      const width = Math.max(240, place.clientWidth);
      if (width !== plot.width) plot.setSize({ width, height: heightPx });
    }
  };

  draw();
  new ResizeObserver(fit).observe(document.body);
  for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', draw);
})();
