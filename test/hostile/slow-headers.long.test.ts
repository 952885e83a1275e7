import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { Arena } from './arena.ts';
import { handshake } from './raw-client.ts';

interface Trickled {
  readonly status?: number;
  readonly tookMs: number;
  /** How often a byte was written: time in which this process, the server's as well, stood still has none. */
  readonly written: number;
}

/** Writes a byte of a handshake at a time until it is answered. */
async function trickle(limits: { handshakeTimeoutMs?: number }, everyMs: number): Promise<Trickled> {
  await using arena = await Arena.open({ limits });
  const client = await arena.raw();
  const bytes = Buffer.from(handshake('GET /echo HTTP/1.1', { 'X-Own': 'x'.repeat(4_000) }));
  const startMs = performance.now();
  let at = 0;
  const writing = setInterval(() => client.write(bytes.subarray(at, (at += 1))), everyMs);
  try {
    const status = (await client.answer())?.status;
    return { ...(status !== undefined && { status }), tookMs: performance.now() - startMs, written: at };
  } finally {
    clearInterval(writing);
  }
}

// real time: the HTTP server's own
test('headers that come a byte at a time are answered 408 in time, though bytes still come', async () => {
  const { status, written } = await trickle({ handshakeTimeoutMs: 400 }, 20);
  expect(status).toBe(408);
  expect(written).toBeLessThan(2_000 / 20);
});

// real time: the same at its default
test('by default within 10 s, and a second to notice', async () => {
  const { status, tookMs, written } = await trickle({}, 500);
  expect(status).toBe(408);
  expect(tookMs).toBeGreaterThan(9_000);
  expect(written).toBeLessThan(12_500 / 500);
});
