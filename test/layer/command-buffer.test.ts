import { expect, test } from 'vitest';
import { CommandBuffer } from '../../src/layer/redis/broker/command-buffer.ts';

type Command = readonly (string | Buffer)[];

/** @returns what it hands to the write, as a copy and as it is */
function flushed(buffer: CommandBuffer, then: 'kept' | 'free' = 'free'): { copy: Buffer; itself: Buffer } {
  const written: Buffer[] = [];
  buffer.flush((bytes) => {
    written.push(bytes);
    return then;
  });
  const [itself = Buffer.alloc(0)] = written;
  return { copy: Buffer.from(itself), itself };
}

function encoded(...commands: readonly Command[]): string {
  const buffer = new CommandBuffer();
  for (const command of commands) buffer.add(command);
  return flushed(buffer).copy.toString();
}

test('a command is an array of strings, with their lengths in bytes', () => {
  const command = ['SET', 'ключ', Buffer.from([0, 13, 10]), '', Buffer.alloc(0), '7'];
  expect(encoded(command)).toBe('*6\r\n$3\r\nSET\r\n$8\r\nключ\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$1\r\n7\r\n');
});

test.each([9, 10, 63, 64, 65, 99, 100, 999, 1_000, 16_000, 16_384, 70_000, 200_000])(
  '%i letters, of one byte and of more, and as many bytes',
  (length) => {
    const [plain, wide] = ['x'.repeat(length), `${'x'.repeat(length - 1)}ж`];
    expect(encoded([plain, wide, Buffer.from(plain)])).toBe(
      `*3\r\n$${length}\r\n${plain}\r\n$${length + 1}\r\n${wide}\r\n$${length}\r\n${plain}\r\n`,
    );
  },
);

test('commands stand one behind the other, and are gone after the write', () => {
  const buffer = new CommandBuffer();
  expect(buffer.isEmpty).toBe(true);
  buffer.add(['PING']);
  buffer.add(['GET', 'a']);
  expect(buffer.isEmpty).toBe(false);
  expect(flushed(buffer).copy.toString()).toBe('*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
  expect(buffer.isEmpty).toBe(true);
  buffer.add(['PING']);
  expect(flushed(buffer).copy.toString()).toBe('*1\r\n$4\r\nPING\r\n');
});

test('bytes that a write has kept are written over by nothing', () => {
  const buffer = new CommandBuffer();
  buffer.add(['SET', 'a', '1']);
  const { copy, itself } = flushed(buffer, 'kept');
  buffer.add(['SET', 'b', '2']);
  flushed(buffer);
  expect(itself.equals(copy)).toBe(true);
});

test('bytes that are free again are used for the next write, those of one large command apart', () => {
  const buffer = new CommandBuffer();
  const memoryOf = (...command: Command): ArrayBufferLike => {
    buffer.add(command);
    return flushed(buffer).itself.buffer;
  };
  const first = memoryOf('PING');
  expect(memoryOf('PING')).toBe(first);
  expect(memoryOf('x'.repeat(100_000))).not.toBe(first);
  const after = memoryOf('PING');
  expect(after.byteLength).toBe(first.byteLength);
});
