import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { requirement } from './requirement.ts';

beforeEach(() => {
  vi.stubEnv('CHANNELBOX_REQUIRE_ALL', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('a program that is named is found where it is', () => {
  vi.stubEnv('CHANNELBOX_STRACE', process.execPath);

  expect(requirement('strace')).toBe(process.execPath);
});

test('a missing program is told of in one line that says how to install it', () => {
  vi.stubEnv('CHANNELBOX_STRACE', '/nowhere/strace');
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);

  expect(requirement('strace')).toBeUndefined();
  expect(write.mock.calls).toEqual([
    [expect.stringMatching(/^left out: tests that need strace; .*apt-get install strace.*CHANNELBOX_STRACE\n$/)],
  ]);
});

test('a program that is there but cannot do what is asked of it is missing', () => {
  vi.stubEnv('CHANNELBOX_PYTHON', process.execPath);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);

  expect(requirement('python3-websockets')).toBeUndefined();
});

test('a missing program is an error where everything is required', () => {
  vi.stubEnv('CHANNELBOX_STRACE', '/nowhere/strace');
  vi.stubEnv('CHANNELBOX_REQUIRE_ALL', '1');

  expect(() => requirement('strace')).toThrow('strace is missing, and CHANNELBOX_REQUIRE_ALL=1 leaves no test out');
});
