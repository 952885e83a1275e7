import { consumer, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

test('handlers of one socket run one at a time, in order, however long each takes', async () => {
  const log: string[] = [];
  await using stage = new Stage({}, (app, own) =>
    app.addWsRoute(
      consumer('/serial', {
        encoding: 'text',
        async onReceive(_ws, data) {
          log.push(`begin ${String(data)}`);
          await own.clock.sleep(10 - Number(data));
          log.push(`end ${String(data)}`);
        },
      }),
    ),
  );
  const peer = await stage.peers.connect('/serial');
  for (let n = 0; n < 5; n += 1) peer.send(String(n));
  await turn(3);
  await stage.clock.pass(60, 1);

  expect(log).toEqual([0, 1, 2, 3, 4].flatMap((n) => [`begin ${n}`, `end ${n}`]));
});

test('a frame that is not what was asked for is an error, and the socket lives on', async () => {
  await using stage = new Stage();
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  peer.send(Uint8Array.of(1)).send('text').send('{').send(Uint8Array.of(0xff)).send('').send(Buffer.from('[1]'));

  await expect(ws.receiveText()).rejects.toMatchObject({ kind: 'wrong-type', code: 'CHANNELBOX_FRAME_WRONG_TYPE' });
  await expect(ws.receiveBytes()).rejects.toMatchObject({ kind: 'wrong-type' });
  await expect(ws.receiveJson()).rejects.toMatchObject({ kind: 'bad-json' });
  await expect(ws.receiveJson()).rejects.toMatchObject({ kind: 'bad-utf8' });
  expect(await ws.receiveText()).toBe('');
  expect(await ws.receiveJson()).toEqual([1]);
  expect(ws.isConnected()).toBe(true);
});

test('calls to receive are served in the order of the calls', async () => {
  await using stage = new Stage();
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  const waiting = [ws.receiveText(), ws.receiveText(), ws.receiveText()];
  peer.send('1').send('2').send('3');
  expect(await Promise.all(waiting)).toEqual(['1', '2', '3']);
});

test('a frame error that escapes a handler closes with its code and is logged at debug alone', async () => {
  await using stage = new Stage({}, (app) =>
    app.wsRoute('/strict', async (ws) => {
      await ws.accept();
      await ws.receiveJson();
    }),
  );
  const peer = await stage.peers.connect('/strict');
  peer.send('{');
  await turn(5);
  expect([peer.closed?.code, stage.failures, stage.seriousLogs]).toEqual([1007, [], []]);
  expect(stage.logs).toHaveLength(1);
});

test('past maxConnections the answer is 503, and one who leaves makes room', async () => {
  await using stage = new Stage({ limits: { maxConnections: 2 } });
  const first = await stage.peers.connect('/');
  await stage.peers.connect('/');
  const third = stage.peers.ask('/');
  await turn(3);
  expect(third.status).toBe(503);

  first.close(1000);
  await turn(3);
  const fourth = stage.peers.ask('/');
  await turn(3);
  expect(fourth.status).toBe(101);
});

test('a send sees the members of its moment, includes the sender unless excepted, and keeps order unawaited', async () => {
  await using stage = new Stage();
  const peers = [await stage.peers.connect('/'), await stage.peers.connect('/'), await stage.peers.connect('/')];
  const [ann, bob, eve] = stage.sockets as [ServerWebSocket, ServerWebSocket, ServerWebSocket];
  const box = stage.app.channelBox;
  void ann.join('room');
  void bob.join('room');
  void box.groupSend('room', 1);
  void eve.join('room');
  void box.groupSend('room', 2, { except: ann.channel });
  void bob.leave('room');
  const last = await box.groupSend('room', 3, { except: [eve.channel, bob.channel] });
  await turn(3);

  expect(peers.map((peer) => peer.texts)).toEqual([['1', '3'], ['1', '2'], ['2']]);
  expect(last).toMatchObject({ members: 1, sent: 1 });
});
