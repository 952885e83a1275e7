// real time: the processes under test are stopped and started by signals
import { setTimeout as realTime } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FaultClient } from './client.ts';
import { snapshotOf, startRooms } from './rooms.ts';

test('a server that stood still for 20 s gives up nobody: their answers waited with it', async () => {
  // Time enough for who is there to answer, though the machine has other things to do.
  await using server = await startRooms({ heartbeatMs: 1_000, heartbeatTimeoutMs: 4_000 });
  const clients = await Promise.all(Array.from({ length: 50 }, () => FaultClient.open(`${server.url}/room/7`)));
  // real time: a ping must be on its way when the process stops
  await realTime(1_500);

  server.stop();
  // real time: four times longer than a heartbeat and its time-out
  await realTime(20_000);
  server.proceed();
  await clients[0]?.roundTrip('still here');
  // real time: a heartbeat and its time-out more, in which a false alarm would show
  await realTime(6_000);

  expect(clients.map(({ closedWith }) => closedWith)).toEqual(clients.map(() => undefined));
  expect((await snapshotOf(server)).connections).toBe(50);
  for (const { socket } of clients) socket.terminate();
});

test('a server without descriptors refuses nobody who is there, and serves again once some are free', async () => {
  await using server = await startRooms({}, 64);
  const inside = await FaultClient.open(`${server.url}/room/7`);
  const crowd = Array.from({ length: 120 }, () => new FaultClient(`${server.url}/room/7`));
  const outcomes = await Promise.allSettled(crowd.map((client) => client.opened()));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['fulfilled', 'rejected']));
  await inside.roundTrip('served all the same');

  for (const { socket } of crowd) socket.terminate();
  await expect.poll(async () => (await snapshotOf(server)).connections).toBe(1);
  const late = await FaultClient.open(`${server.url}/room/7`);
  await late.roundTrip('served again');

  expect(server.errors).toBe('');
  inside.socket.terminate();
  late.socket.terminate();
});
