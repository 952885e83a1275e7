import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeStamp, decodeStampBytes, emptyStamp, encodeStamp, stampPrefix } from '../../load/ledger/stamp.ts';

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

  test('with any one character changed is not read, whatever the place and the character', () => {
    fc.assert(
      fc.property(fields, (written) => {
        expect(readDespiteOneChange(encodeStamp(written))).toEqual([]);
      }),
      { numRuns: 5 },
    );
  });

  // 255, which stands for "no digit", reaches into the two lowest bits of the digit before it.
  test('is not read with a checksum whose last digit, all ones beside ones, is no digit', () => {
    const stamps = Array.from({ length: 3_000 }, (_, sequence) => encodeStamp({ ...emptyStamp(), sequence }));
    const prone = stamps.filter((stamp) => /[DHLPTXbfjnrvz37_]_$/.test(stamp));
    expect(prone.length).toBeGreaterThan(3);
    for (const stamp of prone) expect(readDespiteOneChange(stamp)).toEqual([]);
  });

  test('that lost its end or gained one is not read', () => {
    const stamp = encodeStamp({ ...emptyStamp(), sequence: 1 });
    for (const changed of [stamp.slice(0, -1), `${stamp}A`, '', stamp.slice(1)]) {
      expect(decodeStamp(changed, emptyStamp())).toBe(false);
    }
  });
});

/** Of all stamps that differ from this one in a single character, those that are read. */
function readDespiteOneChange(stamp: string): string[] {
  const read: string[] = [];
  for (let at = 0; at < stamp.length; at += 1) {
    for (let code = 0; code < 0x180; code += 1) {
      const changed = stamp.slice(0, at) + String.fromCharCode(code) + stamp.slice(at + 1);
      if (changed === stamp) continue;
      const isByte = code < 256 && decodeStampBytes(Buffer.from(changed, 'latin1'), 0, emptyStamp());
      if (isByte || decodeStamp(changed, emptyStamp())) read.push(changed);
    }
  }
  return read;
}
