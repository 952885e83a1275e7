import type { Ledger } from '../../ledger/settlement.ts';
import type { RunReport } from '../../result/run-report.ts';
import { closeMeaning } from '../../result/close-meaning.ts';
import { clockTime, milliseconds, share, whole } from '../format/format.ts';
import { observedText, reading, signalOf, spaced } from '../format/signal.ts';
import type { Slice } from '../../result/run-report.ts';
import { latencyRows } from '../format/latency-row.ts';
import { html, table, type Insertable, type Markup } from './markup.ts';

/** The first section shows the verdict, why, and the figures that most people came for. */
export function headline(report: RunReport): Markup {
  const { ledger, latency, clients } = report;
  const reasons = report.verdict === 'pass' ? [] : report.reasons;
  const words = { pass: 'Pass', fail: 'Fail', invalid: 'Invalid' } as const;
  const last = report.series.at(-1)?.['atMs'];
  const facts = [
    `seed ${report.seed}`,
    ...(last === undefined ? [] : [`${clockTime(last)} long`]),
    ...['target', 'placement', 'certificate'].flatMap((name) => report.environment[name] ?? []),
  ];
  return html`<header>
      <p class="verdict" role="status"><span class="badge">${words[report.verdict]}</span></p>
      <div>
        <h1>${report.scenario}</h1>
        <p class="facts">${facts.join(' · ')}</p>
      </div>
    </header>
    ${
      reasons.length === 0
        ? undefined
        : html`<div role="alert">
            <ul class="reasons" id="reasons">
              ${reasons.map((reason) => html`<li>${reason}</li>`)}
            </ul>
          </div>`
    }
    ${report.verdict === 'invalid' ? html`<p class="note">This run says nothing about the server. What it measured is shown to help find out why.</p>` : undefined}
    <dl class="tiles">
      ${tile('clients', [whole(clients.connected), `of ${whole(clients.intended)} connected`])}
      ${tile('deliveries', [whole(ledger.received), `of ${whole(ledger.expected)} expected`])}
      ${tile('lost', [whole(ledger.lost), lostShare(ledger)], ledger.lost > 0)}
      ${tile('fan-out p50', [milliseconds(latency.fanout.p50), `${whole(latency.fanout.count)} measured`])}
      ${tile('fan-out p99', [milliseconds(latency.fanout.p99), `slowest ${milliseconds(latency.fanout.max)}`])}
      ${tile('connect p99', [milliseconds(latency.connect.p99), `slowest ${milliseconds(latency.connect.max)}`])}
    </dl>`;
}

function lostShare(ledger: Ledger): string {
  if (ledger.expected === 0) return 'nothing was expected';
  return ledger.lost === 0 ? 'every one arrived' : share(Number((ledger.lost / ledger.expected).toPrecision(2)));
}

/** `[figure, what it is out of]` */
function tile(name: string, [value, about]: readonly [string, string], isBad: boolean = false): Markup {
  const kind = isBad ? 'tile bad' : 'tile';
  return html`<div class="${kind}">
    <dt>${name}</dt>
    <dd><b data-tile="${name}">${value}</b> <small>${about}</small></dd>
  </div>`;
}

export function thresholdsTable(report: RunReport): Markup {
  if (report.thresholds.length === 0) {
    return html`<p class="note">None were set; the ledger alone decides.</p>`;
  }
  const rows = report.thresholds.map(({ expression, observed, passed }) => [
    html`<code>${expression}</code>`,
    observedText(expression, observed),
    mark(passed),
  ]);
  return table([{ title: 'threshold' }, { title: 'observed', isNumber: true }, { title: 'result' }], rows, {
    caption: 'Thresholds',
    id: 'thresholds-table',
    isCaptionHidden: true,
  });
}

function mark(passed: boolean): Markup {
  return passed ? html`<span class="good">✓ passed</span>` : html`<span class="bad">✗ failed</span>`;
}

/** What each counter of the ledger means, in the words of docs/load.md. */
const counters: readonly (readonly [name: keyof Omit<Ledger, 'firstViolations'>, meaning: string, isSin: boolean])[] = [
  ['published', 'messages sent', false],
  [
    'expected',
    'deliveries owed: each message to each member who was there from before the send to a deadline after it',
    false,
  ],
  ['received', 'of these, arrived in time', false],
  ['lost', 'of these, did not arrive in time, or not readable', true],
  ['late', 'of the lost, arrived after the deadline', true],
  ['corrupt', 'stamp unreadable or checksum wrong; counted as lost too', true],
  ['duplicated', 'arrived more than once', true],
  ['reordered', 'arrived after a later message of the same sender', true],
  ['misrouted', 'arrived in a room they were not sent to', true],
  ['indeterminate', 'pairs nobody can judge: the receiver was joining, leaving or under chaos', false],
];

export function ledgerTable(report: RunReport): Markup {
  const rows = counters.map(([name, meaning, isSin]): Insertable[] => {
    const value = report.ledger[name];
    const figure = html`<span data-ledger="${name}">${whole(value)}</span>`;
    return [name, isSin && value > 0 ? html`<b class="bad">${figure}</b>` : figure, meaning];
  });
  const columns = [{ title: 'counter' }, { title: 'count', isNumber: true }, { title: 'meaning' }];
  return table(columns, rows, { caption: 'Delivery ledger', id: 'ledger-table', isCaptionHidden: true });
}

export function violationsTable(report: RunReport): Markup | undefined {
  const violations = report.ledger.firstViolations;
  if (violations.length === 0) return undefined;
  const columns = [
    { title: 'kind' },
    { title: 'room' },
    { title: 'sender', isNumber: true },
    { title: 'message', isNumber: true },
    { title: 'receiver', isNumber: true },
  ];
  const known = (value: number): string => (value < 0 ? 'unreadable' : String(value));
  const rows = violations.map((violation) => [
    violation.kind,
    violation.room,
    known(violation.sender),
    known(violation.sequence),
    known(violation.receiver),
  ]);
  return table(columns, rows, {
    caption: 'First violations, by client index and sequence number',
    id: 'violations-table',
  });
}

export function latencyTable(report: RunReport): Markup {
  const rows = latencyRows(report).map(({ name, title, values }) => {
    const cells = [values.min, values.p50, values.p90, values.p95, values.p99, values.p999, values.max];
    const texts = cells.map((cell) => (values.count === 0 ? '–' : milliseconds(cell)));
    return [html`<span data-latency="${name}">${title}</span>`, whole(values.count), ...texts];
  });
  const titles = ['measured', 'min', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max'];
  const columns = [{ title: 'latency' }, ...titles.map((title) => ({ title, isNumber: true }))];
  return table(columns, rows, { caption: 'Latency', id: 'latency-table', isCaptionHidden: true, isStacked: true });
}

/** Each stage of the plan, or each target, by itself; nothing where there is only one. */
export function slicesTable(kind: 'stage' | 'target', slices: readonly Slice[]): Markup | undefined {
  if (slices.length < 2) return undefined;
  const titles = ['from', 'published', 'received', 'lost', 'fan-out p50', 'fan-out p99', 'fan-out max', 'connect p99'];
  const columns = [{ title: kind }, ...titles.map((title) => ({ title, isNumber: true }))];
  const rows = slices.map(({ name, fromMs, toMs, published, received, lost, fanout, connect }) => [
    name,
    `${clockTime(fromMs)}–${clockTime(toMs)}`,
    whole(published),
    whole(received),
    lost > 0 ? html`<b class="bad">${whole(lost)}</b>` : '0',
    ...[fanout.p50, fanout.p99, fanout.max].map((value) => (fanout.count === 0 ? '–' : milliseconds(value))),
    connect.count === 0 ? '–' : milliseconds(connect.p99),
  ]);
  const caption = kind === 'stage' ? 'Stages of the plan' : 'Targets';
  return table(columns, rows, { caption, id: `${kind}s-table`, isStacked: true });
}

/** What came besides deliveries. */
export function framesTable(report: RunReport): Markup | undefined {
  const rows = Object.entries(report.frames).map(([kind, count]) => [html`<code>${kind}</code>`, whole(count)]);
  if (rows.length === 0) return undefined;
  const columns = [{ title: 'kind' }, { title: 'frames', isNumber: true }];
  return table(columns, rows, { caption: 'Frames that were no delivery', id: 'frames-table' });
}

export function roomsTable(report: RunReport): Markup | undefined {
  if (report.rooms.length === 0) return undefined;
  const titles = ['rooms', 'p50', 'p99', 'p99.9', 'max', 'lost'];
  const columns = [{ title: 'size, from', isNumber: true }, ...titles.map((title) => ({ title, isNumber: true }))];
  const rows = report.rooms
    .toSorted((a, b) => a.size - b.size)
    .map(({ size, rooms, fanout, lost }) => [
      whole(size),
      whole(rooms),
      ...[fanout.p50, fanout.p99, fanout.p999, fanout.max].map((value) =>
        fanout.count === 0 ? '–' : milliseconds(value),
      ),
      lost > 0 ? html`<b class="bad">${whole(lost)}</b>` : '0',
    ]);
  return table(columns, rows, { caption: 'Fan-out by size of the room', id: 'rooms-table', isStacked: true });
}

/** `, half of them within 0.4 s, …` */
function backAgain({ reconnects }: RunReport): string {
  if (reconnects === undefined) return '';
  const { p50, p95, all } = reconnects;
  const last = all === undefined ? 'not all within the run' : `all within ${milliseconds(all)}`;
  return `: half of them within ${milliseconds(p50)}, 95 % within ${milliseconds(p95)}, ${last}`;
}

export function closesTable(report: RunReport): Markup {
  const { connected, refused, dropped, reconnected, peak } = report.clients;
  const summary = html`<p>
    ${whole(connected)} connected (${whole(peak)} at once), ${whole(refused)} refused, ${whole(dropped)} dropped: closed
    by the server or the network, unasked. ${whole(reconnected)} came back${backAgain(report)}.
  </p>`;
  const entries = Object.entries(report.closes);
  if (entries.length === 0) return summary;
  const rows = entries.map(([code, count]) => [html`<code>${code}</code>`, whole(count), closeMeaning(code)]);
  const columns = [{ title: 'code' }, { title: 'connections', isNumber: true }, { title: 'meaning' }];
  return html`${summary}${table(columns, rows, { caption: 'Close codes', id: 'closes-table' })}`;
}

export function errorsTable(report: RunReport): Markup {
  if (report.errors.length === 0) return html`<p class="note">No errors.</p>`;
  const rows = report.errors.map(({ kind, count, sample }) => [kind, whole(count), html`<code>${sample}</code>`]);
  const columns = [{ title: 'kind' }, { title: 'count', isNumber: true }, { title: 'one of them' }];
  return table(columns, rows, { caption: 'Errors', id: 'errors-table' });
}

export function generatorTable(report: RunReport): Markup {
  const rows = Object.entries(report.generator).map(([name, value]) => {
    const { title, allowed } = signalOf(name);
    return [title, html`<span data-signal="${name}">${reading(name, value)}</span>`, allowed];
  });
  const columns = [{ title: 'signal' }, { title: 'worst generator', isNumber: true }, { title: 'allowed' }];
  return table(columns, rows, { caption: 'Generator health', id: 'generator-table', isCaptionHidden: true });
}

export function environmentTable(report: RunReport): Markup {
  const rows = Object.entries(report.environment).map(([name, value]) => {
    return [spaced(name), typeof value === 'number' ? reading(name, value) : value];
  });
  return table([{ title: 'what' }, { title: 'value' }], rows, {
    caption: 'Environment',
    id: 'environment-table',
    isCaptionHidden: true,
  });
}
