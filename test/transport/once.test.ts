import * as zlib from 'node:zlib';
import type * as Zlib from 'node:zlib';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BroadcastServer, room } from './broadcast-server.ts';
import { turnEnds } from './turn-ends.ts';

vi.mock('node:zlib', async (original) => {
  const real = await original<typeof Zlib>();
  return { ...real, deflateRawSync: vi.fn<typeof real.deflateRawSync>(real.deflateRawSync) };
});

const members = 40;

/** Counts how often it is encoded: `JSON.stringify` asks for this once each time. */
class Payload {
  encodings = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toJSON(): { readonly text: string } {
    this.encodings += 1;
    return { text: this.#text };
  }
}

beforeEach(() => {
  vi.mocked(zlib.deflateRawSync).mockClear();
});

describe('a publish to many', () => {
  test('is encoded once and framed once', async () => {
    await using server = await BroadcastServer.start();
    await server.connect(members);
    const allocations = vi.spyOn(Buffer, 'allocUnsafe');
    const payload = new Payload('to all of you');
    const sending = server.app.channelBox.groupSend(room, payload);
    const ofThisSize = allocations.mock.calls.filter(
      ([size]) => size === 2 + JSON.stringify({ text: 'to all of you' }).length,
    );
    allocations.mockRestore();
    expect(await sending).toMatchObject({ members, sent: members });
    await Promise.all(server.listeners.map((listener) => listener.has(1)));
    expect(payload.encodings).toBe(1);
    expect(ofThisSize).toHaveLength(1);
    expect(server.transport.counts).toMatchObject({ framings: 1, deflates: 0, writes: members });
  });

  test('is deflated once, and framed once more where some did not agree on it', async () => {
    await using server = await BroadcastServer.start({ compression: true });
    await server.connect(members, { perMessageDeflate: true });
    await server.connect(2, { perMessageDeflate: false });
    const payload = new Payload('word by word '.repeat(200));
    await server.app.channelBox.groupSend(room, payload);
    await Promise.all(server.listeners.map((listener) => listener.has(1)));
    expect(new Set(server.listeners.map(({ received }) => received[0]))).toEqual(new Set([JSON.stringify(payload)]));
    expect(zlib.deflateRawSync).toHaveBeenCalledTimes(1);
    expect(server.transport.counts).toMatchObject({ framings: 1, deflates: 1 });
  });

  test('that is too small to be worth it is not deflated at all', async () => {
    await using server = await BroadcastServer.start({ compression: true });
    await server.connect(members, { perMessageDeflate: true });
    await server.app.channelBox.groupSend(room, 'short');
    await Promise.all(server.listeners.map((listener) => listener.has(1)));
    expect(zlib.deflateRawSync).not.toHaveBeenCalled();
    expect(server.transport.counts).toMatchObject({ framings: 1, deflates: 0 });
  });
});

describe('writes for each member and turn', () => {
  test.each([1, 20])('are one for a burst of %i', async (burst) => {
    await using server = await BroadcastServer.start();
    await server.connect(members);
    const turns = 10;
    for (let turn = 0; turn < turns; turn += 1) {
      for (let at = 0; at < burst; at += 1) void server.app.channelBox.groupSend(room, `${turn} ${at}`);
      await turnEnds();
    }
    await Promise.all(server.listeners.map((listener) => listener.has(turns * burst)));
    const { writes, framings } = server.transport.counts;
    expect(writes / members / turns).toBeLessThanOrEqual(1.05);
    expect(framings).toBe(turns * burst);
  });

  test('are one where direct sends, group sends and senders are mixed', async () => {
    await using server = await BroadcastServer.start();
    await server.connect(members);
    for (const [at, socket] of server.sockets.entries()) {
      void socket.sendText(`to ${at} alone`);
      void server.app.channelBox.groupSend(room, `from ${at}`, { except: socket.channel });
    }
    await Promise.all(server.listeners.map((listener) => listener.has(members)));
    expect(server.transport.counts.writes).toBe(members);
  });

  test('are told by the app', async () => {
    await using server = await BroadcastServer.start();
    await server.app.listen(0, '127.0.0.1');
    expect(server.app.inspect().counters).toMatchObject({ writes: 0, framings: 0, deflates: 0 });
  });

  test('are as many as the frames with joining off', async () => {
    await using server = await BroadcastServer.start({ joins: false });
    await server.connect(members);
    for (let at = 0; at < 5; at += 1) void server.app.channelBox.groupSend(room, `${at}`);
    await Promise.all(server.listeners.map((listener) => listener.has(5)));
    expect(server.transport.counts.writes).toBe(5 * members);
  });

  test('join no more than 64 KiB: what is past it leaves early, in the same turn', async () => {
    await using server = await BroadcastServer.start();
    const [listener] = await server.connect(1);
    const sizes: number[] = [];
    const socket = wireSocketOf(server);
    vi.spyOn(socket, 'write').mockImplementation((...given: unknown[]) => {
      sizes.push((given[0] as Uint8Array).byteLength);
      return Reflect.apply(Object.getPrototypeOf(socket).write as () => boolean, socket, given);
    });
    for (let at = 0; at < 20; at += 1) void server.sockets[0]?.sendText('x'.repeat(10_000));
    const leftEarly = sizes.length;
    await listener?.has(20);
    expect(leftEarly).toBe(3);
    expect(sizes).toHaveLength(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
  });

  test('are one for a frame that is larger than that by itself', async () => {
    await using server = await BroadcastServer.start();
    const [listener] = await server.connect(1);
    void server.sockets[0]?.sendText('x'.repeat(200_000));
    await listener?.has(1);
    expect(server.transport.counts.writes).toBe(1);
  });
});

/** The bare socket under the server's side of the first listener. */
function wireSocketOf({ sockets }: BroadcastServer): { write: (...given: unknown[]) => boolean } {
  return (sockets[0] as unknown as { wire: { _socket: { write: (...given: unknown[]) => boolean } } }).wire._socket;
}
