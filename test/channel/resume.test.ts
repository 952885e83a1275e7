import { describe, test } from 'vitest';
import { MemoryLayer } from '../../src/layer/memory.ts';
import { Broker } from '../layer/broker.ts';
import { BrokerLayer } from '../layer/broker-layer.ts';
import { turn } from '../manual-clock.ts';
import { runTrial } from './resume-run.ts';

const given = process.env['SEED'];
/** `SEED=7` runs that one alone. */
const seeds = (count: number): number[] =>
  given === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(given)];

describe.each([
  ['a first that sends at once', false],
  ['a first that takes its time', true],
])('every saved message exactly once, or recovered: false; with %s', (_how, isAsync) => {
  test('on one node alone', async () => {
    for (const seed of seeds(60)) {
      await runTrial({ seed, layers: [new MemoryLayer()], isAsync, settle: () => turn(20) });
    }
  });

  test('on two nodes whose layer answers later, and reads faster than it delivers', async () => {
    for (const seed of seeds(40)) {
      const broker = new Broker(seed);
      const layers = [new BrokerLayer(broker, 'node1'), new BrokerLayer(broker, 'node2')];
      await runTrial({ seed, layers, isAsync, settle: () => broker.settle() });
    }
  });
});
