import { spawn } from 'node:child_process';
import { chromium as browserType } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { BroadcastServer } from './broadcast-server.ts';
import { publish, texts } from './deflated-texts.ts';

const python = requirement('python3-websockets');
const chromium = requirement('chromium');

const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-sync',
];

describe('what is deflated once', () => {
  test.skipIf(python === undefined)("is read by Python's websockets", async () => {
    await using server = await BroadcastServer.start({ compression: true });
    const reading = linesOf(python as string, [
      '-c',
      pythonClient,
      `ws://127.0.0.1:${server.port}/`,
      `${texts.length}`,
    ]);
    await server.hasJoined();
    publish(server);
    expect((await reading).map((line) => JSON.parse(line) as unknown)).toEqual([['permessage-deflate'], ...texts]);
    expect(server.transport.counts.deflates).toBeGreaterThan(0);
  });

  test.skipIf(chromium === undefined)('is read by Chromium', async () => {
    await using server = await BroadcastServer.start({ compression: true, origins: '*' });
    const browser = await browserType.launch({ executablePath: chromium as string, args: switches });
    try {
      const page = await browser.newPage();
      const reading = page.evaluate(browserClient, { url: `ws://127.0.0.1:${server.port}/`, count: texts.length });
      await server.hasJoined();
      publish(server);
      expect(await reading).toEqual({ extensions: expect.stringContaining('permessage-deflate'), received: texts });
      expect(server.transport.counts.deflates).toBeGreaterThan(0);
    } finally {
      await browser.close();
    }
  });
});

/** Prints what was agreed on, then each message, as JSON lines. */
const pythonClient = `
import asyncio, json, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], max_size=None) as ws:
        print(json.dumps([extension.name for extension in ws.extensions]), flush=True)
        for _ in range(int(sys.argv[2])):
            print(json.dumps(await ws.recv()), flush=True)
asyncio.run(main())
`;

interface BrowserSocket {
  readonly extensions: string;
  onmessage: (event: { data: string }) => void;
  onerror: () => void;
}

/** Runs in the page. */
function browserClient({ url, count }: { url: string; count: number }): Promise<unknown> {
  const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string) => BrowserSocket };
  const received: string[] = [];
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onerror = () => reject(new Error('no connection'));
    socket.onmessage = ({ data }) => {
      received.push(data);
      if (received.length === count) resolve({ extensions: socket.extensions, received });
    };
  });
}

function linesOf(program: string, words: readonly string[]): Promise<string[]> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(text.split('\n').filter((line) => line !== '')));
  });
}
