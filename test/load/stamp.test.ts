import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeStamp, decodeStampBytes, emptyStamp, encodeStamp, stampPrefix } from '../../load/stamp.ts';

const fields = fc.record({
  run: fc.nat(2 ** 24 - 1),
  sender: fc.nat(2 ** 24 - 1),
  sequence: fc.integer({ min: 1, max: 2 ** 30 - 1 }),
  room: fc.nat(2 ** 24 - 1),
  intendedUs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  latenessUs: fc.nat(2 ** 30 - 1),
});

describe('a stamp', () => {
  test('says what was written into it, in at most 48 characters that nothing escapes', () => {
    fc.assert(
      fc.property(fields, (written) => {
        const stamp = encodeStamp(written);
        expect(stamp.length).toBeLessThanOrEqual(48);
        expect(stamp).toMatch(/^[A-Za-z0-9_~-]+$/);
        const read = emptyStamp();
        expect(decodeStamp(stamp, read)).toBe(true);
        expect(read).toEqual(written);
        const bytes = emptyStamp();
        expect(decodeStampBytes(Buffer.from(`  ${stamp}  `), 2, bytes)).toBe(true);
        expect(bytes).toEqual(written);
        expect(stamp.startsWith(String(stampPrefix(written.run)))).toBe(true);
      }),
    );
  });

  test('with any one character changed is not read', () => {
    fc.assert(
      fc.property(fields, fc.nat(36), fc.integer({ min: 0, max: 0x2ff }), (written, at, code) => {
        const stamp = encodeStamp(written);
        const changed = stamp.slice(0, at) + String.fromCharCode(code) + stamp.slice(at + 1);
        fc.pre(changed !== stamp);
        expect(decodeStamp(changed, emptyStamp())).toBe(false);
        expect(code < 256 && decodeStampBytes(Buffer.from(changed, 'latin1'), 0, emptyStamp())).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test('that lost its end or gained one is not read', () => {
    const stamp = encodeStamp({ ...emptyStamp(), sequence: 1 });
    for (const changed of [stamp.slice(0, -1), `${stamp}A`, '', stamp.slice(1)]) {
      expect(decodeStamp(changed, emptyStamp())).toBe(false);
    }
  });
});
