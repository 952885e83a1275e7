import { constants, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Arena } from './arena.ts';
import { close, encodeFrame, opcode, text } from './frames.ts';

const { continuation, binary, ping, pong } = opcode;
const badUtf8 = Buffer.from([0x68, 0xff, 0xfe]);
const mebibyte = 1024 * 1024;

interface Breach {
  readonly what: string;
  readonly path?: string;
  readonly bytes: readonly Uint8Array[];
  readonly code: number;
}

const breaches: readonly Breach[] = [
  ...[0x40, 0x20, 0x10].map((reserved) => ({
    what: `a reserved bit ${reserved.toString(16)}`,
    bytes: [encodeFrame({ opcode: opcode.text, payload: 'x', reserved })],
    code: 1002,
  })),
  ...[3, 7, 11, 15].map((reservedOpcode) => ({
    what: `the reserved opcode ${reservedOpcode}`,
    bytes: [encodeFrame({ opcode: reservedOpcode })],
    code: 1002,
  })),
  {
    what: 'a frame that is not masked',
    bytes: [encodeFrame({ opcode: opcode.text, payload: 'x', isMasked: false })],
    code: 1002,
  },
  { what: 'a fragmented ping', bytes: [encodeFrame({ opcode: ping, isFinal: false })], code: 1002 },
  { what: 'a ping of 126 bytes', bytes: [encodeFrame({ opcode: ping, payload: 'x'.repeat(126) })], code: 1002 },
  { what: 'a close of 1 byte', bytes: [encodeFrame({ opcode: opcode.close, payload: 'x' })], code: 1002 },
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map((code) => ({
    what: `the close code ${code}`,
    bytes: [close(code)],
    code: 1002,
  })),
  { what: 'bad UTF-8 in text', bytes: [encodeFrame({ opcode: opcode.text, payload: badUtf8 })], code: 1007 },
  { what: 'bad UTF-8 in a reason', bytes: [close(1000, badUtf8)], code: 1007 },
  { what: 'a continuation of nothing', bytes: [encodeFrame({ opcode: continuation, payload: 'x' })], code: 1002 },
  {
    what: 'a new message amid a fragmented one',
    bytes: [encodeFrame({ opcode: opcode.text, payload: 'a', isFinal: false }), text('b')],
    code: 1002,
  },
  {
    what: 'a claimed length of 2^63 - 1',
    bytes: [encodeFrame({ opcode: opcode.text, claimedBytes: 2n ** 63n - 1n })],
    code: 1009,
  },
  {
    what: 'a claimed length of 2^63',
    bytes: [encodeFrame({ opcode: opcode.text, claimedBytes: 2n ** 63n })],
    code: 1009,
  },
  {
    what: 'a claimed length of 1 MiB and 1',
    bytes: [encodeFrame({ opcode: opcode.text, claimedBytes: BigInt(mebibyte + 1) })],
    code: 1009,
  },
  {
    what: 'fragments that add up to more than 1 MiB',
    bytes: [
      encodeFrame({ opcode: opcode.text, payload: 'x'.repeat(mebibyte), isFinal: false }),
      encodeFrame({ opcode: continuation, payload: 'x' }),
    ],
    code: 1009,
  },
  {
    what: '20 000 fragments of 1 byte',
    bytes: [
      encodeFrame({ opcode: opcode.text, payload: 'x', isFinal: false }),
      ...Array.from({ length: 20_000 }, () => encodeFrame({ opcode: continuation, payload: 'x', isFinal: false })),
    ],
    code: 1008,
  },
  {
    what: '20 000 empty fragments',
    bytes: [
      encodeFrame({ opcode: opcode.text, isFinal: false }),
      ...Array.from({ length: 20_000 }, () => encodeFrame({ opcode: continuation, isFinal: false })),
    ],
    code: 1008,
  },
  { what: 'binary where text is due', bytes: [encodeFrame({ opcode: binary, payload: 'x' })], code: 1003 },
  { what: 'text where bytes are due', path: '/bytes', bytes: [text('x')], code: 1003 },
  { what: 'bad JSON', path: '/json', bytes: [text('{"a":')], code: 1007 },
  { what: 'an empty message where JSON is due', path: '/json', bytes: [text('')], code: 1007 },
  {
    what: 'JSON nested without end',
    path: '/json',
    bytes: [text('['.repeat(100_000))],
    code: 1007,
  },
  {
    what: 'bad UTF-8 in a binary frame where JSON is due',
    path: '/json',
    bytes: [encodeFrame({ opcode: binary, payload: badUtf8 })],
    code: 1007,
  },
];

test.each(breaches)('$what closes with $code and disturbs nobody else', async ({ path = '/echo', bytes, code }) => {
  await using arena = await Arena.open();
  const client = await arena.upgraded(path);

  client.write(...bytes);

  expect(await client.closeCode()).toBe(code);
  client.destroy();
  await arena.expectUndisturbed();
  expect(arena.visits).toEqual(['connect', `disconnect ${code}`]);
  expect(arena.seriousLogs).toEqual([]);
  expect(arena.failures).toEqual([]);
});

describe('what is odd but allowed goes through', () => {
  test('UTF-8 cut across fragments', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();
    const snowman = Buffer.from('☃');

    client.write(
      encodeFrame({ opcode: opcode.text, payload: snowman.subarray(0, 1), isFinal: false }),
      encodeFrame({ opcode: ping, payload: 'between' }),
      encodeFrame({ opcode: continuation, payload: snowman.subarray(1) }),
    );

    expect((await client.frame())?.payload.toString()).toBe('between');
    expect(await client.text()).toBe('☃');
  });

  test('one byte a packet', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    for (const byte of text('slowly')) client.write(Buffer.of(byte));

    expect(await client.text()).toBe('slowly');
  });

  test('an empty message', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    client.write(text(''));

    expect(await client.text()).toBe('');
  });

  test('a message of exactly maxPayloadBytes', async () => {
    await using arena = await Arena.open({ limits: { maxPayloadBytes: 1000 } });
    const client = await arena.upgraded();

    client.write(text('x'.repeat(1000)), text('x'.repeat(1001)));

    expect((await client.text())?.length).toBe(1000);
    expect(await client.closeCode()).toBe(1009);
  });

  test('pongs that nobody asked for', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    client.write(...Array.from({ length: 100 }, () => encodeFrame({ opcode: pong, payload: 'x' })), text('on'));

    expect(await client.text()).toBe('on');
  });

  test('200 pings in one burst from a peer that reads', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    client.write(...Array.from({ length: 200 }, (_, at) => encodeFrame({ opcode: ping, payload: String(at) })));
    client.write(text('done'));

    for (let at = 0; at < 200; at += 1) expect((await client.frame())?.payload.toString()).toBe(String(at));
    expect(await client.text()).toBe('done');
  });

  test('keys named __proto__ and constructor, which pollute nothing', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded('/json');

    client.write(text('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'));

    expect(await client.text()).toContain('"constructor"');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

test('pings of a peer that does not read its pongs are not answered without bound', async () => {
  await using arena = await Arena.open();
  const client = await arena.upgraded();
  client.socket.pause();
  const burst = Buffer.concat(
    Array.from({ length: 4_000 }, () => encodeFrame({ opcode: ping, payload: 'x'.repeat(125) })),
  );

  for (let count = 0; count < 40; count += 1) {
    await new Promise((resolve) => {
      client.socket.write(burst, resolve);
    });
  }

  expect(arena.app.inspect().bufferedBytes).toBeLessThan(256 * 1024);
  client.destroy();
  await arena.expectUndisturbed();
});

test('data after the close frame is passed over', async () => {
  await using arena = await Arena.open();
  const client = await arena.upgraded();

  client.write(text('before'), close(1000), text('after'));

  expect(await client.text()).toBe('before');
  expect(await client.closeCode()).toBe(1000);
  client.destroy();
  await arena.expectUndisturbed();
  expect(arena.visits).toEqual(['connect', 'disconnect 1000']);
});

test('a deflate bomb ends with 1009, by its inflated size', async () => {
  await using arena = await Arena.open({ compression: true });
  const client = await arena.upgraded('/echo', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
  const bomb = deflateRawSync(Buffer.alloc(64 * mebibyte), { finishFlush: constants.Z_SYNC_FLUSH });

  client.write(encodeFrame({ opcode: opcode.text, payload: bomb.subarray(0, -4), reserved: 0x40 }));

  expect(await client.closeCode()).toBe(1009);
  client.destroy();
  await arena.expectUndisturbed();
});

test('deflated bytes that are none end with 1007', async () => {
  await using arena = await Arena.open({ compression: true });
  const client = await arena.upgraded('/echo', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });

  client.write(encodeFrame({ opcode: opcode.text, payload: Buffer.from('no deflate at all'), reserved: 0x40 }));

  expect(await client.closeCode()).toBe(1007);
  client.destroy();
  await arena.expectUndisturbed();
});

test('bytes at random never disturb anyone', async () => {
  const seed = Number(process.env['SEED'] ?? 20_261_121);
  await using arena = await Arena.open();
  const random = randomFrom(seed);

  for (let round = 0; round < 200; round += 1) {
    const client = await arena.upgraded(['/echo', '/json', '/bytes'][round % 3]);
    client.write(Uint8Array.from({ length: 1 + Math.floor(random() * 60) }, () => Math.floor(random() * 256)));
    client.socket.end();
    await client.closeCode();
    client.destroy();
  }

  await arena.expectUndisturbed();
  expect(arena.failures, `seed ${seed}`).toEqual([]);
  const count = (what: string): number => arena.visits.filter((visit) => visit.startsWith(what)).length;
  expect(count('disconnect'), `seed ${seed}`).toBe(count('connect'));
});

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
