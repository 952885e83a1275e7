import { connect } from 'node:net';
import { consumer, type WebSocketDisconnect, type WebsocketRoutes } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Arena } from './arena.ts';
import { close, encodeFrame, opcode, text } from './frames.ts';
import { handshake, RawClient } from './raw-client.ts';

const slow = handshake('GET /slow HTTP/1.1');

function slowlyAccepting(gate: Promise<void>, seen: string[] = []): WebsocketRoutes {
  return consumer('/slow', {
    encoding: 'text',
    async onConnect(ws) {
      ws.signal.addEventListener('abort', () => seen.push(`abort ${(ws.signal.reason as WebSocketDisconnect).code}`));
      await gate;
      await ws.accept();
      seen.push('accepted');
    },
    async onReceive(_ws, data) {
      await this.sendText(String(data));
    },
    onDisconnect(_ws, code) {
      seen.push(`disconnect ${code}`);
    },
  });
}

describe('frames that come before the accept', () => {
  test('in the packet of the handshake are handed out after it', async () => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    client.write(handshake(), text('early'), text('birds'));

    expect((await client.answer())?.status).toBe(101);
    expect(await client.text()).toBe('early');
    expect(await client.text()).toBe('birds');
  });

  test('while the accept takes its time are handed out after it, in order', async () => {
    const gate = new Gate();
    await using arena = await Arena.open({ routes: (app) => app.addWsRoute(slowlyAccepting(gate.promise)) });
    const client = await arena.raw();

    client.write(slow, text('1'));
    await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');
    client.write(text('2'));
    await new Promise((resolve) => client.socket.write(text('3'), resolve));
    await turn(20);
    gate.open();

    expect((await client.answer())?.status).toBe(101);
    expect([await client.text(), await client.text(), await client.text()]).toEqual(['1', '2', '3']);
    client.write(text('4'));
    expect(await client.text()).toBe('4');
  });

  test('without end are held back by TCP, and none is lost', async () => {
    const gate = new Gate();
    await using arena = await Arena.open({ routes: (app) => app.addWsRoute(slowlyAccepting(gate.promise)) });
    const client = await arena.raw();
    const flood = Array.from({ length: 256 }, (_, at) => text(String(at).padEnd(64 * 1024, '.')));

    client.write(slow, ...flood);
    await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');
    await turn(200);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    gate.open();

    expect((await client.answer())?.status).toBe(101);
    for (let at = 0; at < flood.length; at += 1) expect(Number.parseInt((await client.text()) ?? '', 10)).toBe(at);
  });
});

describe('a client vanishes', () => {
  test('amid its headers', async () => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    client.write(handshake().slice(0, 60));
    await turn(5);
    client.reset();

    await arena.expectUndisturbed();
    expect(arena.visits).toEqual([]);
  });

  test.each(['reset', 'end'] as const)('by %s while its accept takes its time', async (way) => {
    const gate = new Gate();
    const seen: string[] = [];
    await using arena = await Arena.open({ routes: (app) => app.addWsRoute(slowlyAccepting(gate.promise, seen)) });
    const client = await arena.raw();

    client.write(slow);
    await arena.until(() => arena.app.inspect().connections === 2, 'the handshake has come');
    if (way === 'reset') client.reset();
    else client.socket.end();
    await arena.until(() => seen.length > 0, 'the signal has aborted');
    gate.open();

    await arena.expectUndisturbed();
    expect(seen).toEqual(['abort 1006']);
    expect(arena.seriousLogs).toEqual([]);
  });

  test('right behind its handshake', async () => {
    await using arena = await Arena.open();

    for (let count = 0; count < 50; count += 1) {
      const client = await arena.raw();
      await new Promise((resolve) => client.socket.write(handshake(), resolve));
      client.reset();
    }

    await arena.expectUndisturbed();
    expect(arena.seriousLogs).toEqual([]);
    const connects = arena.visits.filter((visit) => visit === 'connect');
    expect(arena.visits.filter((visit) => visit.startsWith('disconnect'))).toHaveLength(connects.length);
  });

  test('amid a message', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    client.write(text('whole'), encodeFrame({ opcode: opcode.text, payload: 'half', claimedBytes: 100n }));
    expect(await client.text()).toBe('whole');
    client.reset();

    await arena.expectUndisturbed();
    expect(arena.visits).toEqual(['connect', 'disconnect 1006']);
    expect(arena.seriousLogs).toEqual([]);
  });

  test('without a close frame', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();

    client.socket.end();

    await arena.expectUndisturbed();
    expect(arena.visits).toEqual(['connect', 'disconnect 1006']);
  });

  test('silently, and two heartbeats later it is gone', async () => {
    await using arena = await Arena.open();
    const client = await arena.upgraded();
    client.socket.pause();

    await arena.clock.pass(25_000);
    expect(arena.visits).toEqual(['connect']);
    await arena.clock.pass(10_000);

    await arena.until(() => arena.visits.length === 2, 'it is gone');
    expect(arena.visits).toEqual(['connect', 'disconnect 1006']);
  });
});

describe('a closing handshake', () => {
  test('that the peer never answers is cut off after closeTimeoutMs', async () => {
    let closing: Promise<void> | undefined;
    await using arena = await Arena.open({
      routes: (app) =>
        app.wsRoute('/goodbye', async (ws) => {
          await ws.accept();
          closing = ws.close(4000);
          await closing;
        }),
    });
    const client = await arena.upgraded('/goodbye');
    expect(await client.closeCode()).toBe(4000);

    await arena.clock.pass(1_999);
    expect(arena.app.inspect().connections).toBe(2);
    await arena.clock.pass(1);

    await closing;
    await client.ended();
    await arena.expectUndisturbed();
  });

  test('that the peer begins ends for the app at once, though the peer keeps its connection', async () => {
    await using arena = await Arena.open();
    const socket = connect({ port: arena.port, host: '127.0.0.1', allowHalfOpen: true });
    const client = new RawClient(socket);
    client.write(handshake(), close(3001, 'bye'));

    expect((await client.answer())?.status).toBe(101);
    expect(await client.closeCode()).toBe(3001);
    await arena.until(() => arena.visits.length === 2, 'the app has heard of it');
    expect(arena.visits).toEqual(['connect', 'disconnect 3001']);

    // Its descriptor is there until the close's time is up, and counts.
    await arena.expectUndisturbed(2);
    arena.clock.advance(2_000);
    await arena.expectUndisturbed();
    client.destroy();
  });
});
