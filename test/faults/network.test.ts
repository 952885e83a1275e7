import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { encodeFrame, opcode } from '../hostile/frames.ts';
import { handshake, RawClient } from '../hostile/raw-client.ts';
import { FaultClient } from './client.ts';
import type { Program } from '../program.ts';
import { snapshotOf, startRooms } from './rooms.ts';

/** What one socket may have waiting, and what the turn that passed the limit brought. */
const waitingBytesMax = 1.25 * 1024 * 1024;

async function stuckClient(server: Program): Promise<RawClient> {
  const stuck = await RawClient.open(Number(new URL(server.url).port));
  stuck.write(handshake('GET /room/7 HTTP/1.1'));
  expect((await stuck.answer())?.status).toBe(101);
  stuck.socket.pause();
  return stuck;
}

test('a reader whose window is shut costs its limit and is then let go; the others miss nothing', async () => {
  await using server = await startRooms({ closeTimeoutMs: 500 });
  const members = await Promise.all(Array.from({ length: 10 }, () => FaultClient.open(`${server.url}/room/7`)));
  const stuck = await stuckClient(server);
  const speaker = members[0] as FaultClient;
  const filler = 'x'.repeat(64 * 1024);
  let waitedBytes = 0;

  for (let sent = 0; sent < 200; sent += 1) {
    await speaker.roundTrip(`${sent} ${filler}`);
    waitedBytes = Math.max(waitedBytes, (await snapshotOf(server)).bufferedBytes);
  }

  expect(waitedBytes).toBeGreaterThan(0);
  expect(waitedBytes).toBeLessThanOrEqual(waitingBytesMax);
  await expect.poll(() => members.map(({ received }) => received.length)).toEqual(members.map(() => 200));
  await expect.poll(async () => (await snapshotOf(server)).connections).toBe(members.length);
  stuck.destroy();
  for (const { socket } of members) socket.terminate();
});

test('a flood of small messages leaves a bystander served, and ends with the flood', async () => {
  await using server = await startRooms({});
  const bystander = await FaultClient.open(`${server.url}/room/other`);
  const flood = await RawClient.open(Number(new URL(server.url).port));
  flood.write(handshake('GET /room/flood HTTP/1.1'));
  await flood.answer();
  const wave = Buffer.concat(Array.from({ length: 20_000 }, () => encodeFrame({ opcode: opcode.text, payload: 'x' })));

  for (let wavesLeft = 10; wavesLeft > 0; wavesLeft -= 1) {
    flood.write(wave);
    for (let trip = 0; trip < 20; trip += 1) await bystander.roundTrip(`wave ${wavesLeft} trip ${trip}`);
  }

  expect(bystander.closedWith).toBeUndefined();
  flood.reset();
  await expect.poll(async () => (await snapshotOf(server)).connections).toBe(1);
  expect(await snapshotOf(server)).toMatchObject({ bufferedBytes: 0, memberships: 1 });
  bystander.socket.terminate();
});

test('a connection that dies without a word is noticed by its silence, and leaves its groups', async () => {
  // Time enough for who is there to answer, though the machine has other things to do.
  await using server = await startRooms({ heartbeatMs: 300, heartbeatTimeoutMs: 5_000 });
  const alive = await FaultClient.open(`${server.url}/room/7`);
  const links: Socket[] = [];
  const middle = createServer((near) => {
    const far = connect(Number(new URL(server.url).port), '127.0.0.1');
    links.push(near, far);
    near.pipe(far);
    far.pipe(near);
    for (const end of [near, far]) end.on('error', () => {});
  });
  await once(middle.listen(0, '127.0.0.1'), 'listening');
  const { port } = middle.address() as AddressInfo;
  const cut = await FaultClient.open(`ws://127.0.0.1:${port}/room/7`);
  await cut.roundTrip('while the link stands');

  // Half-open: neither end is told, and nothing passes.
  for (const end of links) end.unpipe();

  await expect.poll(async () => (await snapshotOf(server)).memberships).toBe(1);
  expect(cut.closedWith).toBeUndefined();
  await alive.roundTrip('who is left is served');
  for (const end of links) end.destroy();
  middle.close();
  alive.socket.terminate();
  cut.socket.terminate();
});

test('2 000 clients that are cut off at once all come back, and an old one is served meanwhile', async () => {
  await using server = await startRooms({});
  const crowd = 2_000;
  const bystander = await FaultClient.open(`${server.url}/room/old`);
  const enter = async (): Promise<FaultClient[]> => {
    const clients = Array.from({ length: crowd }, (_, at) => new FaultClient(`${server.url}/room/${at % 50}`));
    await Promise.all(clients.map((client) => client.opened()));
    return clients;
  };
  const before = await enter();

  for (const { socket } of before) socket.terminate();
  const returning = enter();
  let trips = 0;
  let isBack = false;
  void returning.finally(() => (isBack = true));
  while (!isBack) await bystander.roundTrip(`trip ${(trips += 1)}`);
  const after = await returning;

  expect(trips).toBeGreaterThan(0);
  await expect.poll(async () => (await snapshotOf(server)).connections).toBe(crowd + 1);
  expect(await snapshotOf(server)).toMatchObject({ memberships: crowd + 1, groups: 51, bufferedBytes: 0 });
  expect(server.errors).toBe('');
  for (const { socket } of [bystander, ...after]) socket.terminate();
});
