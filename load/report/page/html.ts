import type { RunReport } from '../../result/run-report.ts';
import { reportAssets } from './asset.ts';
import { chartsOf } from './chart.ts';
import { figure } from './figure.ts';
import { embeddedJson, html, Markup, type Insertable } from './markup.ts';
import {
  closesTable,
  environmentTable,
  errorsTable,
  framesTable,
  generatorTable,
  headline,
  latencyTable,
  ledgerTable,
  roomsTable,
  slicesTable,
  thresholdsTable,
  violationsTable,
} from './section.ts';

/** Where the report itself lies in a page; `reportIn` looks for it. */
export const embeddedReportId = 'run-report';

/**
 * A report is written as one file that asks for nothing else: no network, no other file, from disk as from a server.
 * The report's JSON is inside, so that `compare` and `report` read the page as they read the JSON.
 */
export function htmlReport(report: RunReport): string {
  const assets = reportAssets();
  const charts = chartsOf(report);
  const chart = (id: string): Insertable => charts.filter((candidate) => candidate.id === id).map(figure);
  const title = `${report.scenario}: ${report.verdict}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
        />
        <meta name="generator" content="channelbox" />
        <title>${title}</title>
        <style>
          ${style(assets.chartStyle)}${style(assets.pageStyle)}
        </style>
      </head>
      <body class="${report.verdict}">
        <main>
          ${headline(report)} ${section('thresholds', 'Thresholds', thresholdsTable(report))}
          ${section('ledger', 'Delivery ledger', [ledgerTable(report), violationsTable(report)])}
          ${section('latency', 'Latency', [latencyTable(report), pair(chart('latency'), chart('percentiles'))])}
          ${section('load', 'Load', [
            pair(chart('clients'), chart('rate')),
            slicesTable('stage', report.stages),
            slicesTable('target', report.targets),
          ])}
          ${section('rooms', 'Rooms and connects', [pair(chart('rooms'), chart('connect')), roomsTable(report)])}
          ${section('ends', 'Closes and errors', [closesTable(report), framesTable(report), errorsTable(report)])}
          ${section('health', 'Generator health', pair(generatorTable(report), chart('generator')))}
          ${section('environment', 'Environment', environmentTable(report))}
        </main>
        <footer>
          Written by channelbox. The report as JSON is inside this file: <code>channelbox report</code> and
          <code>channelbox compare</code> read it.
        </footer>
        <script type="application/json" id="${embeddedReportId}">
          ${embeddedJson(report)}
        </script>
        <script type="application/json" id="charts">
          ${embeddedJson(charts)}
        </script>
        <script>
          ${script(assets.chartScript)};
        </script>
        <script>
          ${script(assets.pageScript)};
        </script>
      </body>
    </html> `;
  return page.text;
}

function section(id: string, title: string, content: Insertable): Markup {
  return html`<section aria-labelledby="${id}-title" id="${id}">
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`;
}

function pair(...content: readonly Insertable[]): Markup {
  return html`<div class="pair">${content}</div>`;
}

/** Our own files, put in as they are; an end tag inside would cut them off. */
function style(text: string): Markup {
  return new Markup(text.replaceAll('</style', '<\\/style'));
}

function script(text: string): Markup {
  return new Markup(text.replaceAll('</script', '<\\/script'));
}
