import type { Member } from 'channelbox';
import { expect, test } from 'vitest';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../src/layer/redis/redis-layer.ts';
import { StubNode } from '../../testing/conformance/layer-node.ts';
import { ManualClock, turn } from '../manual-clock.ts';
import { SimulatedBroker } from './simulated-broker.ts';

/** As a box calls it: who leaves amid a join is taken out once that has been answered. */
class CalledInTurn extends BrokeredLayer {
  #announcing: Promise<void> = Promise.resolve();

  override announce(group: string, member: Member): Promise<void> {
    this.#announcing = super.announce(group, member);
    return this.#announcing;
  }

  override retire(group: string, channel: string): Promise<void> {
    const call = (): Promise<void> => super.retire(group, channel);
    return this.#announcing.then(call, call);
  }
}

/** Somebody joins while the broker is away, and leaves so many turns after it is back. @returns who is there then, and who should be */
async function leavingAfter(turns: number): Promise<readonly [string[], string[]]> {
  const clock = new ManualClock();
  const broker = new SimulatedBroker(1, clock);
  const layer = new CalledInTurn(broker, settingsOf({ prefix: 'sim' }));
  const node = new StubNode(layer, clock);
  const over = async <T>(calling: Promise<T>): Promise<T> => {
    let isOver = false;
    void calling.finally(() => (isOver = true)).catch(() => {});
    while (!isOver) {
      await broker.settle();
      clock.advance(100);
    }
    return calling;
  };
  await over(node.opened);
  await over(node.join('room'));
  broker.isDown = true;
  broker.restart('empty');
  await broker.settle();

  const late = node.channel();
  const joining = node.join('room', late).catch(() => {});
  broker.isDown = false;
  for (let count = 0; count < turns; count += 1) {
    clock.advance(10);
    await turn();
  }
  await over(Promise.all([joining, node.leave('room', late)]));

  const found = await over(layer.members('room'));
  await over(layer.close());
  return [found.map(({ uuid }) => uuid), node.members('room').map(({ uuid }) => uuid)];
}

test('who leaves while all members are written again is one no more', async () => {
  for (let turns = 0; turns < 60; turns += 1) {
    const [found, real] = await leavingAfter(turns);
    expect(found, `after ${turns} turns`).toEqual(real);
  }
});
