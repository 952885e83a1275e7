import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppSnapshot } from 'channelbox';
import { encodeFrame, opcode } from '../hostile/frames.ts';
import { handshake } from '../hostile/raw-client.ts';
import { Program } from '../program.ts';
import type { Weighed } from './store-server.ts';

/** Long enough that nothing ends of itself while it is weighed. */
const limits = {
  acceptTimeoutMs: 60_000,
  closeTimeoutMs: 60_000,
  handshakeTimeoutMs: 60_000,
  maxBufferedBytes: 2 ** 25,
};
const { binary, continuation } = opcode;

let server: Program;
let sockets: Socket[] = [];

beforeAll(async () => {
  server = await Program.start('test/faults/store-server.ts', { args: [JSON.stringify({ limits })] });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const weigh = (): Promise<Weighed> => server.ask<Weighed>('weigh');

/** So many strangers that say this and read nothing more than the first of what comes. */
async function strangers(count: number, said: (at: number) => readonly (string | Uint8Array)[]): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    for (const part of said(at)) socket.write(part);
    socket.pause();
    sockets.push(socket);
  }
}

async function leave(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await expect.poll(async () => (await server.ask<AppSnapshot>('inspect')).connections).toBe(0);
}

const upgrade = (path: string, headerBytes = 0): string =>
  handshake(`GET ${path} HTTP/1.1`, { 'X-Own': 'x'.repeat(headerBytes) });
const frame = (bytes: number): Buffer => encodeFrame({ opcode: binary, payload: Buffer.alloc(bytes) });
const fragments = (count: number): Buffer =>
  Buffer.concat([
    encodeFrame({ opcode: binary, payload: 'x', isFinal: false }),
    ...Array.from({ length: count - 1 }, () => encodeFrame({ opcode: continuation, payload: 'x', isFinal: false })),
  ]);

interface Store {
  readonly name: string;
  readonly bytesMin: number;
  fill(): Promise<unknown>;
  /** As many strangers that hold next to nothing: what they cost is no store. */
  fillNot?(): Promise<unknown>;
  /** What Node's parser keeps of it, in neither heap nor buffers. */
  readonly outsideBytes?: number;
  empty?(): Promise<unknown>;
}

const stores: readonly Store[] = [
  {
    name: 'frames that wait for a handler',
    bytesMin: 30_000_000,
    fill: () => strangers(20, () => [upgrade('/stuck'), frame(1), ...Array.from({ length: 40 }, () => frame(50_000))]),
  },
  {
    name: 'texts that wait for a handler',
    bytesMin: 10_000_000,
    fill: () => {
      const text = encodeFrame({ opcode: opcode.text, payload: 'x'.repeat(20_000) });
      return strangers(20, () => [upgrade('/stuck'), frame(1), ...Array.from({ length: 50 }, () => text)]);
    },
  },
  {
    name: 'messages whose end does not come',
    bytesMin: 15_000_000,
    fill: () => strangers(20, () => [upgrade('/idle'), frame(1_000_000).subarray(0, 990_000)]),
  },
  {
    name: 'fragments of them',
    bytesMin: 20_000_000,
    fill: () => strangers(20, () => [upgrade('/idle'), fragments(12_000)]),
  },
  { name: 'bytes that wait for peers', bytesMin: 50_000_000, fill: () => strangers(20, () => [upgrade('/full')]) },
  { name: 'answers that nobody reads', bytesMin: 50_000_000, fill: () => strangers(20, () => [upgrade('/no')]) },
  {
    name: 'handshakes that are not answered, large',
    bytesMin: 5_000_000,
    fill: () => strangers(400, () => [upgrade('/slow', 14_000)]),
  },
  {
    name: 'handshakes that are not answered, small',
    bytesMin: 1_000_000,
    fill: () => strangers(400, () => [upgrade('/slow', 10)]),
  },
  {
    name: 'what comes behind them',
    bytesMin: 10_000_000,
    fill: () => strangers(200, () => [upgrade('/slow'), Buffer.alloc(60_000)]),
  },
  {
    name: 'headers that have not ended',
    bytesMin: 5_000_000,
    fill: () => strangers(400, () => [upgrade('/idle', 15_000).slice(0, -2)]),
    outsideBytes: 400 * 15_150,
  },
  {
    name: 'headers that open sockets keep',
    bytesMin: 5_000_000,
    fill: () => strangers(400, () => [upgrade('/idle', 14_000)]),
    fillNot: () => strangers(400, () => [upgrade('/idle', 0)]),
  },
  {
    name: 'history',
    bytesMin: 20_000_000,
    fill: () => server.ask('remember'),
    empty: () => server.ask('forget'),
  },
];

/** When it holds what it was given, and garbage is gone. */
async function settled(isFull: (told: Weighed) => boolean): Promise<Weighed> {
  let before = -1;
  let now = await weigh();
  // real time: bytes travel, the server takes them in
  await expect
    .poll(
      async () => {
        before = now.toldBytes;
        now = await weigh();
        return isFull(now) && now.toldBytes === before;
      },
      { interval: 200 },
    )
    .toBe(true);
  return now;
}

test.each(stores)(
  '$name: inspect() tells what they weigh, within a quarter',
  async ({ name, bytesMin, fill, fillNot, empty, outsideBytes = 0 }) => {
    const bare = await weigh();
    let emptyBytes = bare.memoryBytes;
    if (fillNot !== undefined) {
      await fillNot();
      emptyBytes = (await settled(({ snapshot }) => snapshot.connections > 0)).memoryBytes;
      await leave();
    }
    await fill();
    const full = await settled(({ toldBytes }) => toldBytes - bare.toldBytes >= bytesMin);
    const told = full.toldBytes - bare.toldBytes;
    const grown = full.memoryBytes - emptyBytes + outsideBytes;
    console.log(`${name}: told ${told}, grown ${grown}, ${(told / grown).toFixed(2)}`);
    await leave();
    await empty?.();

    expect(told / grown).toBeGreaterThan(0.75);
    expect(told / grown).toBeLessThan(1.25);
  },
);
