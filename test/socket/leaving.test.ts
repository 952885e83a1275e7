import { consumer, WebSocketDisconnect, type ServerWebSocket } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

describe('when the peer leaves', () => {
  test('what came before its close is handed out first, in order, then receive rejects and iterators end', async () => {
    const gate = new Gate();
    const seen: unknown[] = [];
    await using stage = new Stage({}, (app) =>
      app.wsRoute('/late', async (ws) => {
        await ws.accept();
        await gate.promise;
        seen.push(await ws.receiveText());
        for await (const text of ws.iterText()) seen.push(text);
        seen.push(await ws.receive().catch((error: unknown) => error));
      }),
    );
    const peer = await stage.peers.connect('/late');
    peer.send('1').send('2').send('3').close(3000, 'bye');
    await turn(5);
    gate.open();
    await turn(5);

    expect(seen.slice(0, 3)).toEqual(['1', '2', '3']);
    expect(seen[3]).toBeInstanceOf(WebSocketDisconnect);
    expect(seen[3]).toMatchObject({ code: 3000, reason: 'bye', wasClean: true });
    expect(stage.logs).toEqual([]);
  });

  test('every pending receive rejects, also one that is awaited late or never', async () => {
    const pending: Promise<unknown>[] = [];
    await using stage = new Stage();
    const peer = await stage.peers.connect('/');
    const ws = stage.sockets[0] as ServerWebSocket;
    pending.push(ws.receive(), ws.receiveText(), ws.receiveJson());
    void ws.receiveBytes();

    peer.drop();
    await turn(5);

    for (const one of pending) await expect(one).rejects.toMatchObject({ code: 1006, wasClean: false });
    await expect(ws.receive()).rejects.toBe(await pending[0]?.catch((error: unknown) => error));
    expect(ws.signal.reason).toBeInstanceOf(WebSocketDisconnect);
  });

  test('the channel has left all its groups before onDisconnect, cannot join in it, and the others still hear', async () => {
    const seen: unknown[] = [];
    await using stage = new Stage({}, (app) =>
      app.addWsRoute(
        consumer('/room', {
          async onConnect(ws) {
            await ws.accept();
            await this.joinGroup('a');
            await this.joinGroup('b');
          },
          async onDisconnect(ws, code) {
            seen.push(code, stage.app.inspect().memberships, await this.joinGroup('a'), ws.isConnected());
            seen.push((await this.broadcast('left', 'a')).members, await this.send('x'));
          },
        }),
      ),
    );
    const peer = await stage.peers.connect('/room');
    await turn(3);
    expect(stage.app.inspect().memberships).toBe(2);

    peer.close(3000);
    await turn(5);

    expect(seen).toEqual([3000, 0, 'CHANNEL_CLOSED', false, 0, 'closed']);
    expect(stage.app.inspect()).toMatchObject({ connections: 0, channels: 0, groups: 0, memberships: 0 });
  });

  test('a receive that its own signal ends loses no frame', async () => {
    await using stage = new Stage();
    const peer = await stage.peers.connect('/');
    const ws = stage.sockets[0] as ServerWebSocket;
    const abort = new AbortController();
    const given = ws.receive({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');

    peer.send('still there');

    expect(await ws.receiveText()).toBe('still there');
  });
});

test('a receive bound to the socket’s own signal and never awaited is no unhandled rejection', async () => {
  await using stage = new Stage();
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  void ws.receive({ signal: ws.signal });

  peer.drop();
  await turn(5);
  void ws.receive({ signal: ws.signal });
  await turn(5);

  expect(stage.unhandled).toEqual([]);
});

test('an accept that nobody awaits harms nobody when the client has left', async () => {
  await using stage = new Stage({}, (app, own) =>
    app.addWsRoute(
      consumer('/hasty', {
        async onConnect(ws) {
          await own.clock.sleep(10);
          void ws.accept();
        },
      }),
    ),
  );
  const early = stage.peers.ask('/hasty');
  await turn(3);
  early.drop();
  await turn(3);
  stage.clock.advance(10);
  await turn(5);
  const late = stage.peers.ask('/hasty');
  await turn(3);
  stage.clock.advance(10);
  late.drop();
  await turn(5);

  const left = 'handshake refused: left';
  expect([stage.unhandled, stage.seriousLogs]).toEqual([[], [left, left]]);
  expect(stage.app.inspect()).toMatchObject({ connections: 0, handlers: 0 });
});

describe('when the socket closes itself', () => {
  test('the queue is dropped, receive rejects with its code, and the groups are left at that moment', async () => {
    await using stage = new Stage();
    const peer = await stage.peers.connect('/');
    const ws = stage.sockets[0] as ServerWebSocket;
    await ws.join('room');
    peer.send('unread');
    await turn(3);

    const closing = ws.close(4000, 'done');

    expect(stage.app.inspect().memberships).toBe(0);
    expect(ws.isConnected()).toBe(false);
    expect(await ws.sendText('late')).toBe('closed');
    await expect(ws.receive()).rejects.toMatchObject({ code: 4000, reason: 'done' });
    await closing;
    expect(peer.closed).toEqual({ code: 4000, reason: 'done' });
  });

  test('the first close code wins, whoever comes second', async () => {
    const codes: number[] = [];
    await using stage = new Stage({}, (app) =>
      app.addWsRoute(
        consumer('/twice', {
          onReceive(ws) {
            void ws.close(4000);
            void ws.close(4001);
            throw new Error('planted');
          },
          onDisconnect: (_ws, code) => codes.push(code),
        }),
      ),
    );
    const peer = await stage.peers.connect('/twice');
    peer.send('go');
    await turn(5);

    expect([peer.closed?.code, codes]).toEqual([4000, [4000]]);
    expect(stage.failures).toHaveLength(1);
  });

  test.each(['closes', 'throws'])(
    'onDisconnect runs once where a hook without a promise %s amid waiting frames',
    async (how) => {
      const gate = new Gate();
      const codes: number[] = [];
      await using stage = new Stage({}, (app) =>
        app.addWsRoute(
          consumer('/queued', {
            async onConnect(ws) {
              await ws.accept();
              await gate.promise;
            },
            onReceive(ws) {
              if (how === 'throws') throw new Error('planted');
              void ws.close(1011);
            },
            onDisconnect: (_ws, code) => codes.push(code),
          }),
        ),
      );
      const peer = await stage.peers.connect('/queued');
      peer.send('1').send('2');
      await turn(3);
      gate.open();
      await turn(5);

      expect([peer.closed?.code, codes]).toEqual([1011, [1011]]);
    },
  );

  test('a handler that returns closes with 1000, and one that breaks out of its loop goes on', async () => {
    await using stage = new Stage({}, (app) =>
      app.wsRoute('/loop', async (ws) => {
        await ws.accept();
        for await (const message of ws) if (message.data === 'break') break;
        await ws.sendText('after the loop');
      }),
    );
    const peer = await stage.peers.connect('/loop');
    peer.send('go').send('break');
    await turn(5);

    expect(peer.texts).toEqual(['after the loop']);
    expect(peer.closed?.code).toBe(1000);
  });

  test.each([
    ['x'.repeat(200), 123],
    ['é'.repeat(100), 122],
    ['☃'.repeat(60), 123],
    ['😀'.repeat(40), 120],
  ])('a reason too long is cut on a character: %s', async (reason, bytes) => {
    await using stage = new Stage();
    const peer = await stage.peers.connect('/');
    await stage.sockets[0]?.close(1000, reason);

    expect(Buffer.byteLength(peer.closed?.reason ?? '')).toBe(bytes);
    expect(reason.startsWith(peer.closed?.reason ?? '-')).toBe(true);
  });
});
