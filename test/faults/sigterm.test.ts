import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { AppSnapshot, DrainReport } from 'channelbox';
import { expect, test } from 'vitest';
import { encodeFrame, opcode } from '../hostile/frames.ts';
import { handshake } from '../hostile/raw-client.ts';
import { Program } from '../program.ts';

const withinMs = 1_500;
/** For the process itself to end, on a machine that has other things to do; what a peer could delay is a minute. */
const graceMs = 15_000;

const frame = encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(10) });
const upgrade = (path: string): string => handshake(`GET ${path} HTTP/1.1`);

/** Peers that keep their connection whatever they are told, and what each leaves open. */
const stubborn: Readonly<Record<string, readonly (string | Uint8Array)[]>> = {
  'never answers the close': [upgrade('/idle')],
  'never reads what waits for it': [upgrade('/full')],
  'never reads its refusal': [upgrade('/no')],
  'never ends its message': [upgrade('/idle'), frame.subarray(0, 8)],
  'never ends its headers': [upgrade('/idle').slice(0, -4)],
  'never says anything': [],
  'waits for an accept that never comes': [upgrade('/slow')],
  'waits for a handler that never ends': [upgrade('/stuck'), frame],
};

async function stay(server: Program, said: readonly (string | Uint8Array)[]): Promise<Socket> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const part of said) socket.write(part);
  return socket;
}

async function expectEndInTime(server: Program): Promise<void> {
  const ended = once(server.child, 'exit');
  const reported = once(server.child, 'message');
  const startMs = performance.now();
  server.child.kill('SIGTERM');
  const [{ tookMs }] = (await reported) as [DrainReport];
  const [code, signal] = (await ended) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(tookMs).toBeLessThan(withinMs + graceMs);
  expect(performance.now() - startMs).toBeLessThan(withinMs + graceMs);
  expect(server.errors).toBe('');
}

test.each(Object.entries(stubborn))('SIGTERM is not delayed by a peer that %s', async (_, said) => {
  await using server = await Program.start('test/faults/drain-server.ts', { args: [String(withinMs)] });
  const socket = await stay(server, said);
  await expect
    .poll(async () => {
      const { connections, inboundBytes } = await server.ask<AppSnapshot>('inspect');
      return connections + inboundBytes;
    })
    .toBeGreaterThan(0);
  await expectEndInTime(server);
  socket.destroy();
});

test('SIGTERM is not delayed by all of them together', async () => {
  await using server = await Program.start('test/faults/drain-server.ts', { args: [String(withinMs)] });
  const sockets = await Promise.all(Object.values(stubborn).map((said) => stay(server, said)));
  await expect.poll(async () => (await server.ask<AppSnapshot>('inspect')).connections).toBe(6);
  await expectEndInTime(server);
  for (const socket of sockets) socket.destroy();
});
