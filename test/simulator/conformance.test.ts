import { describe, test } from 'vitest';
import { layerCases, transportCases } from 'channelbox/testing';
import { simHarness, simLayerHarness } from './sim-site.ts';

for (const seed of [1, 2, 3]) {
  describe(`the simulator's transport, seed ${seed}`, () => {
    // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the suite names its cases, and asserts in them
    for (const { name, run } of transportCases(simHarness(seed))) test(name, run);
  });
  describe(`the simulator's layer, seed ${seed}`, () => {
    // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- the same
    for (const { name, run } of layerCases(simLayerHarness(seed))) test(name, run);
  });
}
