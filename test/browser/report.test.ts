import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport } from 'channelbox/load';
import { htmlReport } from '../../load/report/page/html.ts';
import { reportFixture } from '../load/report-fixture.ts';
import { requirement } from '../requirement.ts';

const executablePath = requirement('chromium');
const artifacts = fileURLToPath(new URL('../../artifacts/', import.meta.url));
const switches = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(executablePath === undefined)('the report page', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    await mkdir(artifacts, { recursive: true });
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: switches });
    // One for all: each opening of a report is a document of its own.
    page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
  });
  afterAll(async () => {
    await browser?.close();
  });

  test('shows the numbers of the report, and draws every chart, from disk and without the network', async () => {
    const report = reportFixture({ verdict: 'fail' });
    const { requests, problems } = await open(page, report, { width: 1_280, height: 900 });
    expect(await page.locator('.badge').textContent()).toBe('Fail');
    expect(await page.locator('#reasons').textContent()).toContain('lost is 3, allowed 0');
    expect(await plain(page, '[data-tile="deliveries"]')).toBe('59 807');
    for (const [name, value] of Object.entries(report.ledger)) {
      if (typeof value !== 'number') continue;
      expect(Number((await plain(page, `[data-ledger="${name}"]`)).replaceAll(' ', '')), name).toBe(value);
    }
    const cells = await page.locator('tr:has([data-latency="fanout"]) td').allTextContents();
    expect(cells.map((cell) => Number(cell.replaceAll(/[^\d.]/g, '')))).toEqual([
      report.latency.fanout.count,
      ...['min', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'].map((name) => threeDigits(report, name)),
    ]);
    expect(await page.locator('#violations-table tbody tr').count()).toBe(2);
    expect(await plain(page, '#violations-table')).toContain('<b>room-4</b>');
    expect(await plain(page, '#errors-table')).toContain('<script>alert(1)</script>');
    expect(await plain(page, '[data-signal="cpuWait"]')).toBe('0.013 s');
    expect(await page.locator('canvas').count()).toBe(7);
    expect(await inkOf(page)).not.toContain(0);
    expect(requests).toEqual([]);
    expect(problems).toEqual([]);
    await page.screenshot({ path: `${artifacts}report-light.png`, fullPage: true });
  });

  test('fits a phone without scrolling sideways', async () => {
    await open(page, reportFixture(), { width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    const widths = (await page.evaluate(
      "[...document.querySelectorAll('.uplot')].map((plot) => plot.clientWidth)",
    )) as number[];
    expect(Math.max(...widths)).toBeLessThanOrEqual(340);
    // The figures that people came for are on the screen, and not beyond its edge.
    for (const head of ['p99', 'max']) {
      const box = await page.locator(`tr:has([data-latency="fanout"]) td[data-head="${head}"]`).boundingBox();
      expect(box?.width, head).toBeGreaterThan(20);
      expect((box?.x ?? 0) + (box?.width ?? 0), head).toBeLessThanOrEqual(360);
    }
    await page.screenshot({ path: `${artifacts}report-phone.png`, fullPage: true });
  });

  test('is dark where the reader likes it dark, charts included, with enough contrast in both', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await open(page, reportFixture({ verdict: 'invalid' }), {
        width: 1_280,
        height: 900,
        colorScheme,
      });
      const background = await colourOf(page, 'body', 'backgroundColor');
      expect(luminance(background) < 0.2).toBe(colorScheme === 'dark');
      for (const selector of [
        'h1',
        '.facts',
        '.tile small',
        'thead th',
        '#ledger-table td:last-child',
        'figcaption span',
      ]) {
        const text = await colourOf(page, selector, 'color');
        expect(
          contrast(text, await colourOf(page, 'section', 'backgroundColor')),
          `${colorScheme} ${selector}`,
        ).toBeGreaterThan(4.5);
      }
      await page.screenshot({ path: `${artifacts}report-${colorScheme}.png`, fullPage: true });
    }
  });

  test('follows a change of the scheme while it is open', async () => {
    await open(page, reportFixture(), { width: 1_280, height: 900, colorScheme: 'light' });
    const before = (await page.evaluate("document.querySelector('canvas').toDataURL()")) as string;
    await page.emulateMedia({ colorScheme: 'dark' });
    // Asked from outside: the page's own policy allows no code from text.
    await expect.poll(() => page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 18, 21)');
    // The charts are drawn anew, in canvases of their own.
    await expect.poll(() => page.evaluate("document.querySelector('canvas')?.toDataURL()")).not.toBe(before);
    expect(await page.locator('canvas').count()).toBe(7);
  });

  test('prints in black on white, on a few pages, with its charts', async () => {
    await open(page, reportFixture({ verdict: 'fail' }), {
      width: 1_280,
      height: 900,
      colorScheme: 'dark',
    });
    const pdf = (await page.pdf({ path: `${artifacts}report.pdf`, format: 'A4' })).toString('latin1');
    expect(pdf.match(/\/Type\s*\/Page\b/g)?.length).toBeLessThanOrEqual(6);
    await page.emulateMedia({ media: 'print' });
    expect(await colourOf(page, 'body', 'backgroundColor')).toEqual([255, 255, 255]);
    expect(await inkOf(page)).not.toContain(0);
  });

  test('names every landmark, table and picture for those who listen to it', async () => {
    await open(page, reportFixture({ verdict: 'fail' }), { width: 1_280, height: 900 });
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await page.getByRole('region', { name: 'Delivery ledger' }).count()).toBeGreaterThan(0);
    expect(await page.getByRole('table', { name: 'Latency', exact: true }).count()).toBe(1);
    const pictures = page.getByRole('img', { name: /over time|percentile|room|connect|rate/ });
    expect(await pictures.count()).toBe(7);
    expect(await page.getByRole('rowheader', { name: 'lost', exact: true }).count()).toBeGreaterThan(0);
  });
});

interface Opened {
  /** Whatever left the page, but the file itself. */
  readonly requests: readonly string[];
  readonly problems: readonly string[];
}

async function open(
  page: Page,
  report: RunReport,
  view: { readonly width: number; readonly height: number; readonly colorScheme?: 'light' | 'dark' },
): Promise<Opened> {
  const path = `${artifacts}report-${report.verdict}-${view.width}.html`;
  await writeFile(path, htmlReport(report));
  const address = pathToFileURL(path).href;
  const { width, height, colorScheme = 'light' } = view;
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme, media: null });
  page.removeAllListeners();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on('request', (request) => request.url() !== address && requests.push(request.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => problems.push(message.text()));
  await page.goto(address);
  await expect.poll(() => page.evaluate('document.documentElement.dataset.drawn')).toBeDefined();
  return { requests, problems };
}

async function plain(page: Page, selector: string): Promise<string> {
  return ((await page.locator(selector).textContent()) ?? '').replaceAll('\u202f', ' ');
}

/** As the page writes it: three digits, in seconds from a second on. */
function threeDigits(report: RunReport, name: string): number {
  const value = report.latency.fanout[name as 'min'];
  return Number(value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3));
}

/** Of each chart, how many different colours its canvas has, less the empty one. */
async function inkOf(page: Page): Promise<readonly number[]> {
  return (await page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) colours.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]);
    return colours.size;
  })`)) as number[];
}

async function colourOf(
  page: Page,
  selector: string,
  property: 'color' | 'backgroundColor',
): Promise<readonly number[]> {
  const text = (await page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`)) as string;
  return [...text.matchAll(/[\d.]+/g)].slice(0, 3).map(([part]) => Number(part));
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG 2.2, contrast ratio. */
function contrast(one: readonly number[], other: readonly number[]): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
