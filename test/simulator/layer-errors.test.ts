import { App, ChannelBox, consumer, LayerError } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { replay, SimulationError, type Fault, type SimCase, type Simulation } from 'channelbox/testing/simulator';

/** Two nodes; `fail` makes the handler throw, `call` makes it call over the layer. */
const simulation: Simulation<App> = {
  nodes: 2,
  system: (env) =>
    new App({ channelBox: new ChannelBox({ layer: env.layer }) }).addWsRoute(
      consumer('/', {
        async onReceive(_ws, data) {
          if (data === 'own') throw new LayerError('a layer of our own is down');
          if (data === 'other') throw new TypeError('a mistake');
          await this.broadcast(data, 'g');
        },
      }),
    ),
  actions: {},
};
const caseOf = (says: string, atMs: number, fault?: Fault): SimCase => ({
  seed: 1,
  steps: [
    { id: 1, at: 0, client: 'c1', op: 'connect', args: ['/', { node: 'n1' }] },
    ...(fault === undefined ? [] : [{ id: 2, at: 10, fault, node: fault === 'pause' ? 'n2' : 'n1', ms: 3_000 }]),
    { id: 3, at: atMs, client: 'c1', op: 'send', args: [says] },
  ],
  durationMs: 40_000,
});

describe('an error of the layer', () => {
  for (const fault of ['layerPartition', 'layerSlow', 'layerForget', 'pause'] as const) {
    test(`is no failure while a fault could have caused it: ${fault}`, async () => {
      await expect(replay(simulation, caseOf('own', 2_000, fault))).resolves.toBeUndefined();
    });

    test(`is one long after that, and any other error is one at once: ${fault}`, async () => {
      await expect(replay(simulation, caseOf('own', 30_000, fault))).rejects.toThrow('a layer of our own is down');
      await expect(replay(simulation, caseOf('other', 2_000, fault))).rejects.toThrow('TypeError in onReceive');
    });
  }

  test('is a failure where no fault has touched the layer', async () => {
    await expect(replay(simulation, caseOf('own', 2_000))).rejects.toThrow(SimulationError);
    await expect(replay(simulation, caseOf('own', 2_000, 'stall'))).rejects.toThrow('LayerError in onReceive');
  });

  test('of the simulated layer itself has its code, and is no failure while the layer is cut off', async () => {
    await expect(replay(simulation, caseOf('hello', 50, 'layerPartition'))).resolves.toBeUndefined();
  });
});
