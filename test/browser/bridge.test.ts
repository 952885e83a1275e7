import { readFile } from 'node:fs/promises';
import { App } from 'channelbox';
import { bridgeMockSocket } from 'channelbox/testing/mock-socket';
import { testApp } from 'channelbox/testing';
import { chromium } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';

interface SuitePlace {
  readonly WebSocket: unknown;
  readonly base: string;
}
type Results = Readonly<Record<string, readonly string[]>>;

const suiteUrl = new URL('socket-suite.js', import.meta.url);

function suiteApp(): App {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return new App({ origins: '*', logger: quiet, limits: { closeTimeoutMs: 60_000 } })
    .wsRoute('/echo', async (ws) => {
      await ws.accept();
      for await (const { data } of ws) {
        if (data === 'bye') return ws.close(4002, 'so long');
        await ws.send(data);
      }
    })
    .wsRoute('/mirror', async (ws) => {
      await ws.accept();
      await ws.receive().catch(() => {});
    })
    .wsRoute('/protocol', async (ws) => {
      await ws.accept({ subprotocol: 'v2' });
      await ws.receive().catch(() => {});
    })
    .wsRoute('/private', (ws) => ws.deny(new Response('no', { status: 401 })));
}

async function inProcess(): Promise<Results> {
  const { runSuite } = (await import(suiteUrl.href)) as { runSuite(place: SuitePlace): Promise<Results> };
  const t = testApp(suiteApp());
  const bridge = bridgeMockSocket(t, 'ws://chat.test');
  const results = await runSuite({ WebSocket: bridge.WebSocket, base: 'ws://chat.test' });
  await t.close();
  return results;
}

async function inChromium(executablePath: string): Promise<Results> {
  const app = suiteApp();
  const { port } = await app.listen(0, '127.0.0.1');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const text = (await readFile(suiteUrl, 'utf8')).replaceAll(/^export /gm, '');
    return await page.evaluate<Results>(
      `(async () => { ${text}; return runSuite({ WebSocket, base: 'ws://127.0.0.1:${port}' }); })()`,
    );
  } finally {
    await browser.close();
    await app.close();
  }
}

const executable = requirement('chromium');

describe.skipIf(executable === undefined)('a socket over the bridge', () => {
  test("does and says what Chromium's does", async () => {
    const [ours, theirs] = [await inProcess(), await inChromium(executable as string)];
    expect(Object.keys(ours).length).toBeGreaterThan(15);
    expect(ours).toEqual(theirs);
  });
});
