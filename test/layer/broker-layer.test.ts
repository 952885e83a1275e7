import type { ChannelLayer } from 'channelbox';
import { describe, test } from 'vitest';
import { layerCases } from '../../testing/conformance/layer.ts';
import { ManualClock } from '../manual-clock.ts';
import { Broker } from './broker.ts';
import { BrokerLayer } from './broker-layer.ts';

describe.each([1, 2, 3])('a layer that answers later, seed %i', (seed) => {
  const clock = new ManualClock();
  let broker = new Broker(seed);
  const cases = layerCases({
    layers: (count): ChannelLayer[] => {
      broker = new Broker(seed);
      return Array.from({ length: count }, (_, at) => new BrokerLayer(broker, `node${at + 1}`));
    },
    settle: () => broker.settle(),
    nodesMax: 2,
    time: { clock, advance: (ms) => clock.advance(ms) },
    cut: (layer) => (layer as BrokerLayer).cut(),
  });
  test.each(cases)('$name', ({ run }) => run());
});
