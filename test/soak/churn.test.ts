import { once } from 'node:events';
import type { AppSnapshot } from 'channelbox';
import { expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';
import { Program } from '../program.ts';
import type { Measured } from './soak-server.ts';

/** `CHANNELBOX_SOAK_CONNECTIONS=200000 npm run soak` for the long one. */
const connections = Number(process.env['CHANNELBOX_SOAK_CONNECTIONS'] ?? 20_000);
const live = 2_000;
/** By then every group's history is full. */
const warmUp = Math.max(2 * live, connections / 10);
const rooms = 50;
/** Handshakes under way at once. */
const width = 50;

test(
  `${connections} connections come and go, ${live} at a time, and leave nothing`,
  { timeout: 60 * 60_000 },
  async () => {
    await using server = await Program.start('test/soak/soak-server.ts');
    const before = await server.ask<Measured>('measure');
    const inside: Client[] = [];
    await churn(server.url, inside, warmUp);
    const tenth = await server.ask<Measured>('measure');

    await churn(server.url, inside, connections - warmUp);
    await expect.poll(async () => (await server.ask<AppSnapshot>('inspect')).connections).toBe(live);
    const end = await server.ask<Measured>('measure');
    console.log(
      `held after a tenth ${tenth.heldBytes} bytes, at the end ${end.heldBytes}: ${(end.heldBytes / tenth.heldBytes).toFixed(3)}`,
    );

    expect(end.heldBytes).toBeLessThanOrEqual(tenth.heldBytes * 1.05);
    expect(end.snapshot.memberships).toBe(live);
    // The prototype of the class that extends it counts too, before anyone has come.
    expect((end.objects['Connection'] ?? 0) - (before.objects['Connection'] ?? 0)).toBe(live);

    await Promise.all(inside.map(leave));
    await expect.poll(async () => (await server.ask<AppSnapshot>('inspect')).connections).toBe(0);
    await expect.poll(async () => (await server.ask<Measured>('measure')).descriptors).toBe(before.descriptors);
    const after = await server.ask<Measured>('measure');
    expect(after.snapshot).toMatchObject({ connections: 0, channels: 0, groups: 0, memberships: 0, bufferedBytes: 0 });
    expect(after.objects).toEqual(before.objects);
    expect(after.timers).toBeLessThanOrEqual(before.timers + 1);
    expect(after.listeners).toBe(before.listeners);
    expect(server.errors).toBe('');
  },
);

/** Lets so many in, one after the other in several rows; from `live` on each newcomer takes the place of the oldest. */
async function churn(url: string, inside: Client[], count: number): Promise<void> {
  let at = 0;
  const row = async (): Promise<void> => {
    while (at < count) {
      at += 1;
      const own = at;
      const client = new Client(`${url}/room/${own % rooms}`);
      client.on('error', () => {});
      await once(client, 'open');
      client.send(`{"said":${own}}`);
      inside.push(client);
      if (inside.length > live) await leave(inside.shift() as Client, own);
    }
  };
  await Promise.all(Array.from({ length: width }, row));
}

/** By a close frame, or without one. */
async function leave(client: Client, at: number): Promise<void> {
  const closed = once(client, 'close');
  if (at % 2 === 0) client.close(1000);
  else client.terminate();
  await closed;
}
