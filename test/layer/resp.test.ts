import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BrokerReply } from '../../src/layer/redis/broker/broker.ts';
import { RespDecoder } from '../../src/layer/redis/broker/resp.ts';

type Told = { readonly reply: BrokerReply } | { readonly refused: string } | { readonly push: readonly BrokerReply[] };

function decode(pieces: readonly Buffer[]): Told[] {
  const told: Told[] = [];
  const decoder = new RespDecoder({
    replied: (reply) => told.push({ reply }),
    refused: ({ message }) => told.push({ refused: message }),
    pushed: (push) => told.push({ push }),
  });
  for (const piece of pieces) {
    // The piece is written over as soon as it was read, as a socket's buffer is.
    const reused = Buffer.from(piece);
    decoder.write(reused);
    reused.fill(0);
  }
  return told;
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

function written(value: BrokerReply): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (typeof value === 'number') return Buffer.from(`:${value}\r\n`);
  if (typeof value === 'string') return Buffer.from(`+${value}\r\n`);
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(written)]);
}

const replies = fc.letrec<{ reply: BrokerReply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.string({ unit: fc.constantFrom('a', ' ', 'é', ':', '*') }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
})).reply;

describe('replies of Redis', () => {
  test('are the same in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.array(replies, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), (all, places) => {
        const told = decode(cut(Buffer.concat(all.map(written)), places));
        expect(told).toEqual(all.map((reply) => ({ reply })));
      }),
      { numRuns: 300 },
    );
  });

  test('come byte by byte: every kind of version 3', () => {
    const text = [
      '+OK\r\n-ERR no such thing\r\n:-12\r\n$0\r\n\r\n*0\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n(123456789012345678901\r\n',
      '!8\r\nSYNTAX x\r\n=7\r\ntxt:abc\r\n%1\r\n+key\r\n:1\r\n~2\r\n:1\r\n:2\r\n*2\r\n-inside\r\n:1\r\n',
      '>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\n',
    ].join('');
    const told = decode(Array.from(Buffer.from(text), (byte) => Buffer.from([byte])));
    expect(told.map((one) => JSON.parse(JSON.stringify(one, readable)) as unknown)).toEqual([
      ...[{ reply: 'OK' }, { refused: 'ERR no such thing' }, { reply: -12 }, { reply: '' }, { reply: [] }],
      ...[{ reply: null }, { reply: null }, { reply: 't' }, { reply: '1.5' }, { reply: '123456789012345678901' }],
      ...[{ refused: 'SYNTAX x' }, { reply: 'abc' }, { reply: ['key', 1] }, { reply: [1, 2] }],
      ...[{ reply: ['inside', 1] }, { push: ['message', 'a', '\r\n\r\n'] }],
    ]);
  });

  test('that are none are refused', () => {
    expect(() => decode([Buffer.from('HTTP/1.1 400 Bad Request\r\n')])).toThrow(/none of Redis/);
    expect(() => decode([Buffer.from(`+${'x'.repeat(70_000)}`)])).toThrow(/does not end/);
  });
});

/** Bytes as text, so that a failure can be read. */
function readable(_key: string, value: unknown): unknown {
  const { type, data } = (value ?? {}) as { readonly type?: string; readonly data?: number[] };
  return type === 'Buffer' ? Buffer.from(data ?? []).toString() : value;
}
