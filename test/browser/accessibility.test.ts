import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createChat } from '../../examples/chat/chat.ts';
import { pageFiles } from '../../examples/chat/page-files.ts';
import { htmlReport } from '../../load/report/page/html.ts';
import { reportFixture } from '../load/report-fixture.ts';
import { root, run, runNode } from '../package/run.ts';
import { requirement } from '../requirement.ts';

const executablePath = requirement('chromium');
const switches = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];

const views = [
  { name: 'light, desktop', colorScheme: 'light', width: 1_280, height: 900 },
  { name: 'dark, desktop', colorScheme: 'dark', width: 1_280, height: 900 },
  { name: 'light, phone', colorScheme: 'light', width: 360, height: 740 },
  { name: 'dark, phone', colorScheme: 'dark', width: 360, height: 740 },
] as const;

describe.skipIf(executablePath === undefined)('everybody can use', { timeout: 240_000 }, () => {
  let browser: Browser;
  let axe: string;
  beforeAll(async () => {
    axe = await readFile(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8');
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: switches });
  });
  afterAll(() => browser?.close());

  async function pageIn(view: (typeof views)[number]): Promise<Page> {
    const { width, height, colorScheme } = view;
    // The pages' own policies allow no script from elsewhere; axe is the test's.
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      bypassCSP: true,
      reducedMotion: 'reduce',
    });
    return context.newPage();
  }

  /** What axe finds serious or critical, with where it is. */
  async function faults(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeReport;
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`),
      );
  }

  async function fitsSideways(page: Page): Promise<boolean> {
    return (await page.evaluate(
      'document.documentElement.scrollWidth <= document.documentElement.clientWidth',
    )) as boolean;
  }

  describe('the documents', () => {
    let server: Server;
    let address: string;
    beforeAll(async () => {
      const site = await buildSite();
      server = createServer((request, response) => {
        const path = new URL(request.url ?? '/', 'http://x').pathname;
        const file = join(site, path.endsWith('/') ? `${path}index.html` : path);
        if (!existsSync(file)) return void response.writeHead(404).end();
        void readFile(file).then((content) => response.setHeader('content-type', typeOf(file)).end(content));
      });
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }, 400_000);
    afterAll(() => server?.close());

    test.each(views)('$name', async (view) => {
      const page = await pageIn(view);
      const found: string[] = [];
      for (const path of ['', 'guide', 'architecture', 'performance', 'reference/channelbox']) {
        await page.goto(`${address}/${path === '' ? '' : `${path}.html`}`, { waitUntil: 'networkidle' });
        for (const fault of await faults(page)) found.push(`/${path}: ${fault}`);
        if (!(await fitsSideways(page))) found.push(`/${path}: scrolls sideways`);
      }
      await page.context().close();
      expect(found).toEqual([]);
    });

    test('by keyboard: past the lists, through the search, to a page', async () => {
      const page = await pageIn(views[0]);
      await page.goto(`${address}/guide.html`, { waitUntil: 'networkidle' });
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toContain('Skip to content');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('location.hash')).toBe('#VPContent');
      await page.keyboard.press('Control+k');
      await page.getByRole('searchbox').fill('CHANNELBOX_APP_IN_USE');
      await page.getByRole('option').first().waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(/errors(\.html)?#channelbox_app_in_use/);
      await page.context().close();
    });
  });

  test.each(views)('the report of a load: $name', async (view) => {
    await mkdir(join(root, 'artifacts'), { recursive: true });
    const file = join(root, 'artifacts', 'accessible-report.html');
    await writeFile(file, htmlReport(reportFixture({ verdict: 'fail' })));
    const page = await pageIn(view);
    await page.goto(pathToFileURL(file).href);
    await expect.poll(() => page.evaluate('document.documentElement.dataset.drawn')).toBeDefined();
    expect(await faults(page)).toEqual([]);
    expect(await fitsSideways(page)).toBe(true);
    await page.context().close();
  });

  test.each(views)('the chat: $name', async (view) => {
    await using app = createChat({ http: pageFiles() });
    const { port } = await app.listen(0, '127.0.0.1');
    const page = await pageIn(view);
    await page.goto(`http://127.0.0.1:${port}/`);
    expect(await faults(page)).toEqual([]);
    // From here on by keyboard alone.
    await page.getByRole('textbox', { name: 'Your name' }).focus();
    await page.keyboard.type('Ann');
    await page.keyboard.press('Tab');
    await page.keyboard.type('garden');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    await page.keyboard.type('Morning!');
    await page.keyboard.press('Enter');
    await page.getByRole('log').getByText('Morning!').waitFor();
    await page
      .getByRole('status')
      .filter({ hasText: /^Connected$/ })
      .waitFor();
    expect(await faults(page)).toEqual([]);
    expect(await fitsSideways(page)).toBe(true);
    await page.context().close();
  });

  test('what nobody can read is found', async () => {
    const page = await pageIn(views[0]);
    await page.setContent(
      '<html lang="en"><title>x</title><main><h1>x</h1><p style="color:#999;background:#aaa">pale</p><img src="x"></main>',
    );
    const found = (await faults(page)).map((fault) => fault.split(' ')[0]);
    expect(found).toContain('color-contrast');
    expect(found).toContain('image-alt');
    await page.context().close();
  });
});

interface AxeReport {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
  }[];
}

function typeOf(file: string): string {
  const types: Readonly<Record<string, string>> = {
    html: 'text/html',
    css: 'text/css',
    js: 'text/javascript',
    svg: 'image/svg+xml',
  };
  return types[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}

/** As `npm run docs` does, from the package that this run has built. @returns the folder of the site */
async function buildSite(): Promise<string> {
  const built = await (await fetch(inject('builtPackageUrl'))).text();
  if (!existsSync(join(root, 'site/node_modules'))) {
    const { code, output } = await run('npm', ['ci', '--prefix', 'site', '--no-audit', '--no-fund'], root);
    if (code !== 0) throw new Error(output);
  }
  const { code, output } = await runNode([join(built, 'dist/build/site/main.js')], root);
  if (code !== 0) throw new Error(output);
  return join(root, 'artifacts/site');
}
