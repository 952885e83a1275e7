import {
  createHash,
  getRandomValues,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
} from 'node:crypto';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns';
import { lookup as lookupLater } from 'node:dns/promises';
import { readFile as readFileLater } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get, request } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect, createServer } from 'node:net';
import { performance as hooksPerformance } from 'node:perf_hooks';
import { setTimeout as nodeTimeout } from 'node:timers';
import { setImmediate as turn, setInterval as ticks, setTimeout as sleep } from 'node:timers/promises'; // real time: none, the guard stands for it
import { connect as tlsConnect } from 'node:tls';
import { MessageChannel as NodeChannel, Worker } from 'node:worker_threads';
import { App, consumer } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { simulate, type SimReport } from 'channelbox/testing/simulator';

/** An app that does one thing for each frame, run for a little while. */
async function simulating(body: () => unknown, leaks: 'fail' | 'virtual' = 'fail'): Promise<SimReport> {
  return simulate({
    system: () =>
      new App().addWsRoute(
        consumer('/', {
          async onReceive(ws) {
            await ws.sendJson(String(await body()));
          },
        }),
      ),
    actions: { ask: (c) => c.send('?') },
    allowErrors: () => true,
    leaks,
    faults: 'none',
    seed: 4,
    runs: 1,
  });
}

const escapes: readonly (readonly [what: string, body: () => unknown])[] = [
  ['Date.now', () => Date.now()],
  ['new Date', () => new Date().getTime()],
  ['Date', () => Date()],
  ['performance.now', () => performance.now()],
  ['performance.now', () => hooksPerformance.now()],
  ['process.hrtime', () => process.hrtime()],
  ['process.hrtime.bigint', () => process.hrtime.bigint()],
  ['Intl.DateTimeFormat.format', () => new Intl.DateTimeFormat('en').format()],
  ['Intl.DateTimeFormat.formatToParts', () => new Intl.DateTimeFormat('en').formatToParts().length],
  ['setTimeout', () => new Promise((resolve) => void setTimeout(resolve, 5))], // real time: none, as above
  ['setTimeout', () => new Promise((resolve) => void nodeTimeout(resolve, 5))],
  ['setImmediate', () => new Promise((resolve) => void setImmediate(resolve))],
  [
    'setInterval',
    () =>
      new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          clearInterval(timer);
          resolve();
        }, 5);
      }),
  ],
  ['timers/promises.setTimeout', () => sleep(5)],
  ['timers/promises.setImmediate', () => turn()],
  [
    'timers/promises.setInterval',
    async () => {
      for await (const _ of ticks(5)) return;
    },
  ],
  ['crypto.randomFill', () => new Promise((resolve) => randomFill(new Uint8Array(4), resolve))],
  ['AbortSignal.timeout', () => new Promise((resolve) => AbortSignal.timeout(5).addEventListener('abort', resolve))],
  ['Math.random', () => Math.random()],
  ['Math.random', () => Array.from({ length: 2 }, Math.random)],
  ['crypto.randomUUID', () => randomUUID()],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(4))],
  ['crypto.getRandomValues', () => getRandomValues(new Uint8Array(4))],
  ['crypto.randomBytes', () => randomBytes(4).toString('hex')],
  ['crypto.randomInt', () => randomInt(1_000_000)],
  ['crypto.randomFillSync', () => randomFillSync(new Uint8Array(4))],
  ['new WeakRef', () => typeof new WeakRef({})],
  ['new FinalizationRegistry', () => typeof new FinalizationRegistry(() => {})],
  ['new MessageChannel', () => new MessageChannel().port1.close()],
  ['new MessageChannel', () => new NodeChannel().port1.close()],
];

const reaching: readonly (readonly [what: string, body: () => unknown])[] = [
  ['fetch', () => fetch('http://127.0.0.1:9/')],
  ['net.connect', () => connect(9, '127.0.0.1')],
  ['net.createServer', () => createServer().close()],
  ['dgram.createSocket', () => createSocket('udp4').close()],
  ['http.request', () => request('http://127.0.0.1:9/').on('error', () => {})],
  ['https.get', () => httpsGet('https://127.0.0.1:9/').on('error', () => {})],
  ['child_process.spawn', () => spawn(process.execPath, ['--version'])],
  ['fs.readFile', () => readFileLater('package.json', () => {})],
  ['dns.lookup', () => lookupLater('localhost').catch(() => {})],
  ['tls.connect', () => tlsConnect(9, '127.0.0.1')],
  ['http.get', () => get('http://127.0.0.1:9/')],
  ['dns.lookup', () => lookup('localhost', () => {})],
  ['new Worker', () => new Worker('0', { eval: true })],
  ['fs/promises.readFile', () => readFile('package.json')],
];

describe('what an app takes from elsewhere is a failure', () => {
  for (const [at, [what, body]] of [...escapes, ...reaching].entries()) {
    test(`${what}, with file and line (${at + 1})`, async () => {
      const { failure, leaks } = await simulating(body);
      expect(failure).toMatchObject({ kind: 'leak', name: what });
      expect(failure?.stack).toMatch(/guard\.test\.ts:\d+/);
      expect(leaks[0]).toMatchObject({ what });
      expect(leaks[0]?.count).toBeGreaterThan(0);
    });
  }
});

describe('leaks: virtual serves it from the seed and from virtual time', () => {
  for (const [at, [what, body]] of escapes.entries()) {
    test(`${what} (${at + 1})`, async () => {
      const first = await simulating(body, 'virtual');
      const second = await simulating(body, 'virtual');
      expect(first.failure).toBeUndefined();
      expect(second.hash).toBe(first.hash);
      expect(first.leaks.map((leak) => leak.what)).toContain(what);
    });
  }
});

test('a client that draws elsewhere is found as well', async () => {
  const report = await simulate({
    system: () => new App().addWsRoute(consumer('/', {})),
    actions: { ask: (c) => c.send(String(Math.random())) },
    seed: 1,
    runs: 3,
  });
  expect(report.failure).toMatchObject({ kind: 'leak', name: 'Math.random' });
});

test('what needs neither chance nor time is no leak, and the framework is none', async () => {
  const report = await simulating(() => {
    const hash = createHash('sha256').update('x').digest('hex');
    return [hash, new Date(0).toISOString(), new URL('ws://localhost/?a=1').search, structuredClone({ a: 1 }).a].join();
  });
  expect(report.unwrap().leaks).toEqual([]);
});

test('a date of a run is a date', async () => {
  const report = await simulating(() => {
    const date = new Date();
    return [date instanceof Date, Object.prototype.toString.call(date), date.getFullYear(), Date.UTC(2000, 0)].join();
  }, 'virtual');
  expect(report.failure).toBeUndefined();
});

test('a rejection that nobody handles is an error of the run, and ends no process', async () => {
  const report = await simulating(() => void Promise.reject(new Error('nobody looked')));
  expect(report.failure).toBeUndefined();
  const strict = await simulate({
    system: () =>
      new App().addWsRoute(
        consumer('/', {
          onReceive() {
            void Promise.reject(new Error('nobody looked'));
          },
        }),
      ),
    actions: { ask: (c) => c.send('?') },
    seed: 1,
    runs: 3,
  });
  expect(strict.failure).toMatchObject({ kind: 'error', message: 'nobody looked' });
});
