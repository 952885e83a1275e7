import { describe, expect, test } from 'vitest';
import { settingsOf } from '../../src/layer/redis/connection/options.ts';
import { BrokeredLayer } from '../../src/layer/redis/redis-layer.ts';
import { StubNode } from '../../testing/conformance/layer-node.ts';
import { ManualClock } from '../manual-clock.ts';
import { SimulatedBroker, type SimulatedConnection } from './simulated-broker.ts';

const [deadlineMs, leaseRenewMs, stepMs] = [2_000, 5_000, 50];

/** Two nodes, one of which asks the other to send to a channel, on a broker that a test can hold up. */
class Pair {
  readonly broker: SimulatedBroker;
  readonly asker: StubNode;
  readonly asked: StubNode;
  readonly #clock = new ManualClock();

  constructor() {
    this.broker = new SimulatedBroker(1, this.#clock);
    const node = (): StubNode => {
      const layer = new BrokeredLayer(
        this.broker,
        settingsOf({ prefix: 'sim', deadlineMs, leaseRenewMs, holdMs: deadlineMs }),
      );
      return new StubNode(layer, this.#clock);
    };
    this.asker = node();
    this.asked = node();
  }

  /** Lets time pass; what is under way arrives in between. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
      await this.broker.settle();
      this.#clock.advance(stepMs);
    }
    await this.broker.settle();
  }

  connections({ layer }: StubNode): { readonly commands: SimulatedConnection; readonly pushes: SimulatedConnection } {
    const of = (purpose: 'commands' | 'pushes'): SimulatedConnection =>
      this.broker.of(layer.node, purpose)[0] as SimulatedConnection;
    return { commands: of('commands'), pushes: of('pushes') };
  }

  /** @returns what becomes of it, as far as is known by now */
  order(): { outcome: unknown } {
    const asking = { outcome: undefined as unknown };
    const { layer } = this.asker;
    void (async () => layer.send(this.asked.channel(), { kind: 'json', text: '1' }))().then(
      (outcome) => (asking.outcome = outcome),
      (error: unknown) => (asking.outcome = error),
    );
    return asking;
  }
}

describe('an order is not obeyed once its asker has given up on it', () => {
  test('though the asked one slept between the broker telling the time and its being read', async () => {
    const pair = new Pair();
    await pair.pass(2 * leaseRenewMs - 500);
    const { commands, pushes } = pair.connections(pair.asked);
    commands.hold();
    pushes.hold();
    await pair.pass(1_000);
    const asking = pair.order();
    await pair.pass(deadlineMs + 500);
    expect(asking.outcome).toMatchObject({ code: 'CHANNELBOX_LAYER_DEADLINE' });
    commands.release();
    await pair.broker.settle();
    pushes.release();
    await pair.pass(1_000);
    expect(pair.asked.sent).toEqual([]);
  });

  test('though it waited for a connection before it left', async () => {
    const pair = new Pair();
    await pair.pass(1_000);
    pair.connections(pair.asked).pushes.hold();
    pair.broker.isDown = true;
    pair.connections(pair.asker).commands.lose('reset');
    const asking = pair.order();
    await pair.pass(300);
    pair.broker.isDown = false;
    await pair.pass(deadlineMs - 200);
    expect(asking.outcome).toMatchObject({ code: 'CHANNELBOX_LAYER_DEADLINE' });
    pair.connections(pair.asked).pushes.release();
    await pair.pass(1_000);
    expect(pair.asked.sent).toEqual([]);
  });

  test('and is obeyed until then', async () => {
    const pair = new Pair();
    await pair.pass(1_000);
    const { pushes } = pair.connections(pair.asked);
    pushes.hold();
    const asking = pair.order();
    await pair.pass(deadlineMs - 200);
    pushes.release();
    await pair.pass(100);
    expect(asking.outcome).toBe('sent');
  });
});
