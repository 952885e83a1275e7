import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { encodeFrame, opcode } from '../hostile/frames.ts';
import { handshake, RawClient } from '../hostile/raw-client.ts';
import { Program } from '../program.ts';
import { FaultClient } from './client.ts';

const rounds = 7;
const options = {
  memoryBudgetBytes: 3_000_000,
  limits: { inboundBytes: 16_000_000, inboundQueue: 10_000 },
};
const frame = encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(5_000) });

/** How many frames each says for one of the honest client's: what they hold is in the same proportion. */
const greeds = [3, 1, 2];

function p99(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? Number.NaN;
}

test('three who fill the memory are closed in the order of what they hold, and an honest client is served as ever', async () => {
  const start = (): Promise<Program> =>
    Program.start('test/faults/store-server.ts', { args: [JSON.stringify(options)] });
  await using server = await start();
  // Beside it, and asked in turn with it: what the machine does in a moment befalls both.
  await using other = await start();
  const honest = await FaultClient.open(`${server.url}/echo`);
  const calm = await FaultClient.open(`${other.url}/echo`);
  let trips = 0;
  const trip = async (client: FaultClient, into: number[]): Promise<void> => {
    const startMs = performance.now();
    await client.roundTrip(`trip ${(trips += 1)}`);
    into.push(performance.now() - startMs);
  };
  const attacked: number[] = [];
  const quiet: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const closed: { greed: number; code: number }[] = [];
    const attackers = await Promise.all(
      greeds.map(async (greed) => {
        const client = await RawClient.open(Number(new URL(server.url).port));
        client.write(handshake('GET /stuck HTTP/1.1'));
        await client.answer();
        void client.closeCode().then((code) => closed.push({ greed, code }));
        return { greed, client };
      }),
    );
    while (closed.length < greeds.length) {
      for (const { greed, client } of attackers) {
        if (!closed.some((one) => one.greed === greed)) {
          for (let said = 0; said < greed; said += 1) client.socket.write(frame);
        }
      }
      await trip(honest, attacked);
      await trip(calm, quiet);
    }
    for (const { client } of attackers) client.destroy();

    expect(closed, `round ${round}`).toEqual([3, 2, 1].map((greed) => ({ greed, code: 1013 })));
  }
  const [slow, usual] = [p99(attacked), p99(quiet)];
  console.log(`p99 of ${trips / 2} trips: ${slow.toFixed(2)} ms under attack, ${usual.toFixed(2)} ms without`);
  expect(slow / usual).toBeLessThanOrEqual(2);
  expect(honest.closedWith).toBeUndefined();
  for (const { socket } of [honest, calm]) socket.terminate();
});
