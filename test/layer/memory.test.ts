import { describe, test } from 'vitest';
import { MemoryLayer } from '../../src/layer/memory.ts';
import { layerCases } from '../../testing/conformance/layer.ts';
import { ManualClock, turn } from '../manual-clock.ts';

const clock = new ManualClock();

describe('the memory layer', () => {
  const cases = layerCases({
    layers: () => [new MemoryLayer()],
    settle: () => turn(2),
    nodesMax: 1,
    time: { clock, advance: (ms) => clock.advance(ms) },
  });
  test.each(cases)('$name', ({ run }) => run());
});
