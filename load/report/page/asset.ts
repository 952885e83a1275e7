import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What a report page is made of besides its numbers: the chart library and the page's own script and style. */
export interface ReportAssets {
  readonly chartScript: string;
  readonly chartStyle: string;
  readonly pageScript: string;
  readonly pageStyle: string;
}

/**
 * Set when the package is built: esbuild's `define` puts the four texts in its place, so that the bundle stays one file and
 * needs no chart library beside it. Run from source, the texts are read from where they lie.
 */
declare const CHANNELBOX_REPORT_ASSETS: ReportAssets | undefined;

/** The texts of a page come from the bundle or from the checkout. */
export function reportAssets(): ReportAssets {
  if (typeof CHANNELBOX_REPORT_ASSETS !== 'undefined') return CHANNELBOX_REPORT_ASSETS;
  const require = createRequire(import.meta.url);
  const text = (path: string): string => readFileSync(path, 'utf8');
  const own = (name: string): string => text(fileURLToPath(new URL(name, import.meta.url)));
  return {
    chartScript: text(require.resolve('uplot/dist/uPlot.iife.min.js')),
    chartStyle: text(require.resolve('uplot/dist/uPlot.min.css')),
    pageScript: own('./page.js'),
    pageStyle: own('./page.css'),
  };
}
