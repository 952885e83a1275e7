import { connect } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { consumer } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Arena } from './arena.ts';
import { encodeFrame, opcode, text } from './frames.ts';
import { handshake, type RawClient } from './raw-client.ts';

const { binary, continuation, ping, pong } = opcode;

/** A route whose handler reads one frame and then nothing any more, until the test says so. */
function stuck(path = '/stuck'): { routes: (app: Arena['app']) => void; go: () => void } {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  return { routes: (app) => app.addWsRoute(consumer(path, { onReceive: () => gate })), go };
}

async function until(isSo: () => boolean): Promise<void> {
  // real time: bytes travel over loopback; the test's own limit says when it was in vain
  while (!isSo()) await turn();
}

describe('frames that wait for a handler', () => {
  test('are bounded in bytes: past them the socket is read no further, and its peer is held back', async () => {
    const { routes, go } = stuck();
    await using arena = await Arena.open({ routes, limits: { maxPayloadBytes: 100_000, inboundBytes: 200_000 } });
    const client = await arena.upgraded('/stuck');
    const frame = encodeFrame({ opcode: binary, payload: Buffer.alloc(50_000) });
    for (let count = 0; count < 200; count += 1) client.write(frame);
    await until(() => arena.app.inspect().inboundBytes >= 200_000);
    await turn(20);

    expect(arena.app.inspect().inboundBytes).toBeLessThan(500_000);
    expect(client.socket.writableLength).toBeGreaterThan(1_000_000);
    go();
    await until(() => client.socket.writableLength === 0);
    await until(() => arena.app.inspect().inboundBytes === 0);
  });

  test('of which one read brought too many close the socket with 1008', async () => {
    const { routes } = stuck();
    await using arena = await Arena.open({ routes, compression: true, limits: { maxPayloadBytes: 65_536 } });
    const client = await arena.raw();
    client.write(handshake('GET /stuck HTTP/1.1', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }));
    expect((await client.answer())?.headers.get('sec-websocket-extensions')).toContain('permessage-deflate');
    const packed = deflateRawSync(Buffer.alloc(65_536), { finishFlush: 2 }).subarray(0, -4);
    const frame = encodeFrame({ opcode: binary, payload: packed, reserved: 0x40 });
    client.write(...Array.from({ length: 200 }, () => frame));

    expect(await client.closeCode()).toBe(1008);
    expect(arena.app.inspect().inboundBytes).toBe(0);
    client.destroy();
    await until(() => arena.app.inspect().connections === 1);
  });
});

describe('a message that is not finished', () => {
  test('ends with 1009 where it alone passes what may wait', async () => {
    await using arena = await Arena.open({ limits: { maxPayloadBytes: 1_000_000, inboundBytes: 10_000 } });
    const client = await arena.upgraded('/echo');
    client.write(encodeFrame({ opcode: binary, claimedBytes: 500_000n }), Buffer.alloc(20_000));
    expect(await client.closeCode()).toBe(1009);
  });

  test('costs 128 bytes for each of its fragments', async () => {
    await using arena = await Arena.open({ limits: { maxPayloadBytes: 5_000, inboundBytes: 10_000 } });
    const client = await arena.upgraded('/echo');
    client.write(encodeFrame({ opcode: binary, isFinal: false }));
    for (let count = 0; count < 79; count += 1) client.write(encodeFrame({ opcode: continuation, isFinal: false }));
    expect(await client.closeCode()).toBe(1008);
  });

  test('may have so many fragments, and ends with 1008 past them', async () => {
    await using arena = await Arena.open({ limits: { maxFragments: 10 } });
    const client = await arena.upgraded('/echo');
    const part = (at: number): Buffer =>
      encodeFrame({ opcode: at === 0 ? opcode.text : continuation, payload: 'x', isFinal: at === 9 });
    client.write(...Array.from({ length: 10 }, (_, at) => part(at)));
    expect(await client.text()).toBe('x'.repeat(10));
    client.write(...Array.from({ length: 9 }, (_, at) => part(at)), part(1), part(1));
    expect(await client.closeCode()).toBe(1008);
  });

  test.each(['a header', 'a payload', 'a fragment'])('has a time to be finished, once %s has begun', async (what) => {
    await using arena = await Arena.open({ limits: { messageTimeoutMs: 3_000 } });
    const client = await arena.upgraded('/echo');
    const whole = text('hello');
    client.write(
      what === 'a header'
        ? whole.subarray(0, 1)
        : what === 'a payload'
          ? whole.subarray(0, 8)
          : encodeFrame({ opcode: opcode.text, payload: 'hello', isFinal: false }),
    );
    await until(() => arena.app.inspect().inboundBytes > 0);
    arena.clock.advance(2_999);
    client.write(encodeFrame({ opcode: ping }));
    await until(() => arena.app.inspect().counters.controlFrames === (what === 'a fragment' ? 1 : 0));
    arena.clock.advance(1);
    expect(await client.closeCode()).toBe(1008);
    expect(arena.app.inspect().inboundBytes).toBe(0);
  });

  test('begins anew with each message, and none that is whole is under way', async () => {
    await using arena = await Arena.open({ limits: { messageTimeoutMs: 3_000, heartbeatMs: 60_000 } });
    const client = await arena.upgraded('/echo');
    const whole = text('hello');
    for (let count = 0; count < 3; count += 1) {
      client.write(whole.subarray(0, 8));
      await until(() => arena.app.inspect().inboundBytes > 0);
      arena.clock.advance(2_000);
      client.write(whole.subarray(8));
      expect(await client.text()).toBe('hello');
      expect(arena.app.inspect().inboundBytes).toBe(0);
    }
    arena.clock.advance(10_000);
    client.write(whole);
    expect(await client.text()).toBe('hello');
  });
});

describe('control frames', () => {
  const flood = (kind: number, count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => encodeFrame({ opcode: kind, payload: 'a' })));

  test.each([
    ['pings', ping],
    ['pongs', pong],
  ])('%s are bounded: twice a second of them at once, and a second of them each second', async (_, kind) => {
    await using arena = await Arena.open({ limits: { controlFramesPerSecond: 100 } });
    const client = await arena.upgraded('/echo');
    client.write(flood(kind, 200), text('still there'));
    await until(() => arena.app.inspect().counters.controlFrames >= 200);
    arena.clock.advance(1_000);
    client.write(flood(kind, 100), text('still there'));
    await until(() => arena.app.inspect().counters.controlFrames >= 300);
    client.write(flood(kind, 1));
    expect(await client.closeCode()).toBe(1008);
  });

  test('are cut sooner where the peer does not read what answers them', async () => {
    await using arena = await Arena.open({
      limits: { controlFramesPerSecond: 1_000_000, maxBufferedBytes: 64 * 1024 * 1024 },
      routes: (app) =>
        app.wsRoute('/full', async (ws) => {
          await ws.accept();
          void ws.sendBytes(new Uint8Array(32 * 1024 * 1024));
          await ws.receive();
        }),
    });
    const client = await arena.upgraded('/full');
    client.socket.pause();
    await until(() => arena.app.inspect().bufferedBytes > 1_000_000);
    const { counters } = arena.app.inspect();
    client.write(flood(ping, 100));
    await until(() => arena.app.inspect().counters.controlFrames >= 61);
    await turn(5);
    expect([counters.controlFrames, arena.app.inspect().counters.controlFrames]).toEqual([0, 61]);
  });
});

describe('a close', () => {
  /** A peer that keeps its TCP connection whatever the server does. */
  async function stubborn(arena: Arena, path = '/echo'): Promise<RawClient['socket']> {
    const socket = connect({ port: arena.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    socket.write(handshake(`GET ${path} HTTP/1.1`));
    await new Promise((resolve) => socket.once('data', resolve));
    return socket;
  }

  test.each([
    ['of the peer', Buffer.from([0x88, 0x80, 0, 0, 0, 0])],
    ['for a breach of protocol', Buffer.from([0x81, 1, 65])],
    ['for bad UTF-8', encodeFrame({ opcode: opcode.text, payload: Buffer.from([0xff]) })],
    ['for what is too large', encodeFrame({ opcode: binary, claimedBytes: 2n ** 40n })],
    ['for too many control frames', Buffer.concat(Array.from({ length: 300 }, () => encodeFrame({ opcode: pong })))],
  ])('%s ends the TCP connection in time, and counts until then', async (_, bytes) => {
    await using arena = await Arena.open({ limits: { closeTimeoutMs: 500, maxConnections: 2 } });
    const socket = await stubborn(arena);
    let isGone = false;
    socket.on('close', () => (isGone = true));
    socket.write(bytes);
    // Its close frame, at least: of the peer's own close and of a breach it ends its side too.
    await new Promise((resolve) => socket.once('data', resolve));
    await turn(5);
    expect(arena.app.inspect().connections).toBe(2);
    const other = await arena.raw();
    other.write(handshake('GET /echo HTTP/1.1'));
    expect((await other.answer())?.status).toBe(503);

    arena.clock.advance(500);
    await until(() => arena.app.inspect().connections === 1);
    socket.end();
    await until(() => isGone);
  });
});

test('what others send to a channel whose peer does not read is dropped past its limit, not kept', async () => {
  await using arena = await Arena.open({
    limits: { maxBufferedBytes: 100_000, slowConsumer: 'drop' },
    routes: (app) =>
      app.wsRoute('/named', async (ws) => {
        await ws.accept();
        await ws.sendText(ws.id);
        await ws.receive();
      }),
  });
  const client = await arena.upgraded('/named');
  const id = (await client.text()) as string;
  client.socket.pause();
  const outcomes = new Set<string>();
  while (!outcomes.has('dropped')) {
    for (let count = 0; count < 10; count += 1) outcomes.add(await arena.app.channelBox.sendTo(id, 'x'.repeat(10_000)));
    await turn();
  }
  for (let count = 0; count < 100; count += 1) {
    expect(await arena.app.channelBox.sendTo(id, 'x'.repeat(100_000))).toBe('dropped');
  }
  expect(arena.app.inspect().bufferedBytes).toBeLessThan(300_000);
});

test('a refusal that its peer does not read is cut off in time, and counts until then', async () => {
  await using arena = await Arena.open({
    limits: { closeTimeoutMs: 500 },
    routes: (app) => app.wsRoute('/no', (ws) => ws.deny(new Response('x'.repeat(20_000_000), { status: 403 }))),
  });
  const client = await arena.raw();
  client.socket.pause();
  client.write(handshake('GET /no HTTP/1.1'));
  await until(() => arena.app.inspect().bufferedBytes > 1_000_000);
  expect(arena.app.inspect().connections).toBe(2);
  arena.clock.advance(500);
  await until(() => arena.app.inspect().connections === 1);
  expect(arena.app.inspect().bufferedBytes).toBe(0);
});

test('headers that do not come to their end are answered 408 in time, and so is silence', async () => {
  await using arena = await Arena.open({ limits: { handshakeTimeoutMs: 200 } });
  const [slow, silent] = [await arena.raw(), await arena.raw()];
  slow.write('GET /echo HTTP/1.1\r\nHost: app.test\r\n');
  // real time: the HTTP server's own
  expect((await slow.answer())?.status).toBe(408);
  await silent.ended();
});
