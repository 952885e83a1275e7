import { FrameError } from 'channelbox';
import { expect, test } from 'vitest';
import { checkCloseCode, invalidCode, trimReason } from '../../src/protocol/close-code.ts';

test('every code that an endpoint may send is allowed, and no other (RFC 6455 §7.4)', () => {
  const allowed: number[] = [];
  const errors = new Set<string>();
  for (let code = -1; code <= 70_000; code += 1) {
    try {
      checkCloseCode(code);
      allowed.push(code);
    } catch (error) {
      errors.add((error as { code: string }).code);
    }
  }
  expect([...errors]).toEqual(['CHANNELBOX_CLOSE_CODE']);
  const apps = Array.from({ length: 2_000 }, (_, at) => 3_000 + at);
  expect(allowed).toEqual([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, ...apps]);
});

test.each([
  ['wrong-type', 1003],
  ['bad-json', 1007],
  ['bad-utf8', 1007],
  ['refused-by-schema', 1007],
] as const)('a frame error of kind %s closes with %i', (kind, code) => {
  expect(invalidCode(new FrameError(kind, 'x'))).toBe(code);
});

test('a reason of any characters is cut at 123 bytes at most, and never amid one', () => {
  for (const character of ['a', 'é', '☃', '😀']) {
    for (let count = 0; count < 140; count += 1) {
      const reason = character.repeat(count);
      const trimmed = trimReason(reason);
      const width = Buffer.byteLength(character);
      expect(trimmed).toBe(character.repeat(Math.min(count, Math.floor(123 / width))));
    }
  }
});
