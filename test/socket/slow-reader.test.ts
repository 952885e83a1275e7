import type { ServerWebSocket } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Arena } from '../hostile/arena.ts';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

const kilobyte = 'x'.repeat(1022);

describe('a member that does not read', () => {
  test('is closed with 1013 past maxBufferedBytes, and counted as dropped; a healthy one loses nothing', async () => {
    await using stage = new Stage({ limits: { maxBufferedBytes: 10 * 1024 } });
    const slow = await stage.peers.connect('/');
    const healthy = await stage.peers.connect('/');
    for (const ws of stage.sockets) await ws.join('room');
    slow.pause();

    const deliveries = [];
    for (let count = 0; count < 20; count += 1) {
      deliveries.push(await stage.app.channelBox.groupSend('room', kilobyte));
      await turn(2);
    }

    expect(deliveries[0]).toMatchObject({ members: 2, sent: 2 });
    expect(deliveries[5]).toMatchObject({ members: 2, sent: 1, queued: 1 });
    expect(deliveries.filter(({ dropped }) => dropped === 1)).toHaveLength(1);
    expect(deliveries.at(-1)).toMatchObject({ members: 1, sent: 1 });
    for (const { members, sent, queued, dropped, closed } of deliveries) {
      expect(sent + queued + dropped + closed).toBe(members);
    }
    expect(healthy.received).toHaveLength(20);
    expect(stage.sockets[0]?.signal.reason).toMatchObject({ code: 1013 });
    expect(stage.app.inspect().counters['slowConsumers']).toBe(1);
    slow.resume();
    await turn(5);
    expect(slow.closed?.code).toBe(1013);
  });

  test('loses the message with slowConsumer drop, stays a member, and hears the next once it reads', async () => {
    await using stage = new Stage({ limits: { maxBufferedBytes: 4 * 1024, slowConsumer: 'drop' } });
    const slow = await stage.peers.connect('/');
    await stage.sockets[0]?.join('room');
    slow.pause();
    let dropped = 0;
    for (let count = 0; count < 20; count += 1) {
      dropped += (await stage.app.channelBox.groupSend('room', kilobyte)).dropped;
      await turn(2);
    }
    expect(dropped).toBe(16);
    expect(stage.app.inspect().bufferedBytes).toBeLessThanOrEqual(4 * 1024);

    slow.resume();
    await turn(5);
    expect(await stage.app.channelBox.groupSend('room', 'again')).toMatchObject({ sent: 1 });
    await turn(3);
    expect([slow.received.length, slow.texts.at(-1), slow.closed]).toEqual([5, '"again"', undefined]);
  });

  test('a burst within one turn to a healthy member is no offence, however large', async () => {
    await using stage = new Stage({ limits: { maxBufferedBytes: 10 * 1024 } });
    const peer = await stage.peers.connect('/');
    await stage.sockets[0]?.join('room');

    const deliveries = await Promise.all(
      Array.from({ length: 200 }, () => stage.app.channelBox.groupSend('room', kilobyte)),
    );
    await turn(5);

    expect(deliveries.every(({ sent }) => sent === 1)).toBe(true);
    expect(peer.received).toHaveLength(200);
  });

  test('a send to it waits for the drain, and gives way to the rest of the process', async () => {
    await using stage = new Stage({ limits: { maxBufferedBytes: 4 * 1024 } });
    const peer = await stage.peers.connect('/');
    const ws = stage.sockets[0] as ServerWebSocket;
    peer.pause();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 20; sent += 1) await ws.sendText(kilobyte);
    })();
    await turn(10);
    expect(sent).toBe(4);

    peer.resume();
    await sending;
    await turn(3);
    expect(peer.received).toHaveLength(20);
  });
});

describe('over TCP', () => {
  test('a peer that does not read is closed with 1013 near 1 MiB, and the others hear all', async () => {
    await using arena = await Arena.open({
      routes: (app) =>
        app.wsRoute('/room', async (ws) => {
          await ws.accept();
          await ws.join('room');
          await ws.receive();
        }),
    });
    const slow = await arena.upgraded('/room');
    const healthy = await arena.connect('/room');
    let heard = 0;
    healthy.on('message', () => (heard += 1));
    await arena.until(() => arena.app.inspect().memberships === 2, 'both have joined');
    slow.socket.pause();
    const payload = 'x'.repeat(64 * 1024);

    let most = 0;
    let sent = 0;
    for (; arena.app.inspect().memberships === 2 && sent < 1_000; sent += 1) {
      await arena.app.channelBox.groupSend('room', payload);
      await arena.until(() => heard === sent + 1, 'the healthy one has heard');
      most = Math.max(most, arena.app.inspect().bufferedBytes);
    }

    expect(arena.app.inspect().memberships).toBe(1);
    expect(most).toBeLessThanOrEqual(1.25 * 1024 * 1024);
    expect(most).toBeGreaterThan(0.75 * 1024 * 1024);
    expect(healthy.readyState).toBe(healthy.OPEN);
    // It does not answer the close either: cut off after closeTimeoutMs.
    await arena.clock.pass(2_000);
    slow.destroy();
    await arena.expectUndisturbed(2);
  });

  test('a loop of awaited sends always gives way to the rest of the process', async () => {
    let isOver = false;
    await using arena = await Arena.open({
      routes: (app) =>
        app.wsRoute('/flood', async (ws) => {
          await ws.accept();
          const payload = 'x'.repeat(256 * 1024);
          for (let count = 0; count < 200; count += 1) await ws.sendText(payload);
          isOver = true;
        }),
    });
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const client = await arena.connect('/flood');
    let bytes = 0;
    client.on('message', (data: Buffer) => (bytes += data.byteLength));

    await arena.until(() => bytes === 200 * 256 * 1024, 'all has come');
    expect(turns).toBeGreaterThan(30);
  });
});
