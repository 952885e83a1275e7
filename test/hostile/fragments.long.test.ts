import { describe, expect, test } from 'vitest';
import { Arena, type ArenaOptions } from './arena.ts';
import { encodeFrame, opcode } from './frames.ts';

const mebibyte = 2 ** 20;
/** What docs/production.md names for messages of that kind. */
const large: ArenaOptions = {
  limits: { maxPayloadBytes: 16 * mebibyte, maxFragments: 2 ** 16, maxBufferedBytes: 64 * mebibyte },
};
const mask = Buffer.alloc(4);

function inFragments(bytes: number, each: number): Buffer {
  const payload = Buffer.alloc(each);
  const count = bytes / each;
  return Buffer.concat(
    Array.from({ length: count }, (_, at) =>
      encodeFrame({
        opcode: at === 0 ? opcode.binary : opcode.continuation,
        payload,
        isFinal: at === count - 1,
        mask,
      }),
    ),
  );
}

const cases: readonly (readonly [what: string, bytes: number, each: number, code: number])[] = [
  ['16 MiB at once', 16 * mebibyte, 16 * mebibyte, 1009],
  ['4 MiB in 65 536 fragments', 4 * mebibyte, 64, 1008],
  ['4 MiB in fragments of 64 KiB', 4 * mebibyte, 64 * 1024, 1009],
  ['1 MiB in 16 385 fragments and more', mebibyte, 32, 1008],
];

describe.each(cases)('a message of %s', { timeout: 60_000 }, (_what, bytes, each, code) => {
  test('comes back where the limits allow it', async () => {
    await using arena = await Arena.open(large);
    const client = await arena.upgraded('/bytes');
    client.write(inFragments(bytes, each));
    expect((await client.frame())?.payload.byteLength).toBe(bytes);
  });

  test(`ends with ${code} by default`, async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded('/bytes');
    client.write(inFragments(bytes, each));
    expect(await client.closeCode()).toBe(code);
  });
});
