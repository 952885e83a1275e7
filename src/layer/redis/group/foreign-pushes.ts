import { LayerError } from '../../../errors.ts';
import type { NodeParts } from '../connection/calls.ts';

const reportEveryMs = 60_000;
const channelsMax = 1_000;

/** Foreign pushes, not of the layer's making, are dropped, counted, and told once a minute a channel. */
export class ForeignPushes {
  readonly #parts: () => NodeParts;
  readonly #reportedAtMs = new Map<string, number>();

  constructor(parts: () => NodeParts) {
    this.#parts = parts;
  }

  note(channel: string): void {
    const { counters, context } = this.#parts();
    counters.malformed += 1;
    const nowMs = context.clock.monotonic();
    if (nowMs - (this.#reportedAtMs.get(channel) ?? -Infinity) < reportEveryMs) return;
    if (this.#reportedAtMs.size >= channelsMax) this.#reportedAtMs.clear();
    this.#reportedAtMs.set(channel, nowMs);
    context.report(
      new LayerError(
        'CHANNELBOX_LAYER_MALFORMED',
        `what came on ${JSON.stringify(channel)} is no message of this layer, ${counters.malformed} so far; who else may publish under its prefix?`,
      ),
    );
  }
}
