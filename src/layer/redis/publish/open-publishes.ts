import { LayerError } from '../../../errors.ts';
import type { Timer } from '../../../time/clock.ts';
import type { Counts, Position } from '../../layer.ts';
import type { NodeParts } from '../connection/calls.ts';
import { plainMarker } from '../connection/envelope.ts';
import type { Markers } from '../group/markers.ts';
import type { Echo } from '../group/subscription.ts';
import type { Subscriptions } from '../group/subscriptions.ts';
import { nobody, type Pending } from './lane.ts';

/**
 * Publishes of this node until they are settled: executed by the broker and delivered here, refused, or too late.
 *
 * They stand in the order of their deadlines, so that one timer serves them all.
 */
export class OpenPublishes {
  readonly #parts: () => NodeParts;
  readonly #subscriptions: Subscriptions;
  readonly #markers: Markers;
  /** Takes one out of where it waits to be sent. */
  readonly #forget: (pending: Pending) => void;
  /** By sequence. */
  readonly #open = new Map<number, Pending>();
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(
    parts: () => NodeParts,
    subscriptions: Subscriptions,
    markers: Markers,
    forget: (pending: Pending) => void,
  ) {
    this.#parts = parts;
    this.#subscriptions = subscriptions;
    this.#markers = markers;
    this.#forget = forget;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(pending: Pending): boolean {
    return this.#open.has(pending.sequence);
  }

  add(pending: Pending): void {
    this.#open.set(pending.sequence, pending);
    this.#bytes += pending.item.length;
    const isDown = this.#parts().commands.connection === undefined;
    this.#arm(isDown ? Math.min(pending.dueMs, pending.heldUntilMs) : pending.dueMs);
  }

  /** Who waits from now on, waits for a connection. */
  commandsDown(): void {
    const { context, settings } = this.#parts();
    const heldUntilMs = context.clock.monotonic() + settings.holdMs;
    for (const pending of this.#open.values()) {
      if (pending.attempt === undefined) pending.heldUntilMs = heldUntilMs;
    }
    this.#arm(heldUntilMs);
  }

  /** What this node was to hear of its own went with the subscribe connection. */
  pushesDown(): void {
    for (const pending of [...this.#open.values()]) {
      pending.isDeaf = true;
      this.#conclude(pending);
    }
  }

  close(): void {
    const { calls, context } = this.#parts();
    for (const pending of [...this.#open.values()]) {
      const isUnsent = pending.attempt === undefined;
      this.reject(pending, isUnsent ? calls.closed() : this.unknown('the layer was closed'));
    }
    if (this.#timer !== undefined) context.clock.clearTimeout(this.#timer);
  }

  executed(pending: Pending, reply: { readonly nodes: number; readonly position: Position | undefined }): void {
    pending.reply = reply;
    this.#conclude(pending);
  }

  /** The broker had a message of that key already. */
  doubled(pending: Pending, position: Position | undefined): void {
    this.#finish(pending);
    const exists = this.#parts().context.local.hasGroup(pending.group);
    pending.settle({ counts: { ...nobody }, nodes: 0, exists, ...(position === undefined ? {} : { position }) });
  }

  echoed(sequence: number, outcome: Parameters<Echo>[1]): void {
    const pending = this.#open.get(sequence);
    if (pending === undefined) {
      if (typeof outcome === 'object' && 'failure' in outcome) this.#parts().context.report(outcome.failure);
      return;
    }
    if (outcome === 'never') {
      pending.isDeaf = true;
      this.#conclude(pending);
    } else if ('failure' in outcome) this.reject(pending, outcome.failure as Error);
    else {
      pending.counts = outcome;
      this.#conclude(pending);
    }
  }

  /** Settles what is known to the end. */
  #conclude(pending: Pending): void {
    if (pending.reply === undefined || !this.#open.has(pending.sequence)) return;
    if (pending.counts !== undefined) return this.#resolve(pending, pending.counts);
    const subscription = this.#subscriptions.of(pending.group);
    if (subscription === undefined) return this.#resolve(pending, { ...nobody });
    if (pending.isDeaf || subscription.phase === 'away') return this.#resolve(pending, this.#unheard(pending));
    if (pending.isEchoCertain) return;
    void this.#awaitEcho(pending);
  }

  /** It was published while the group was being subscribed: whether it comes back shows when a marker behind it has. */
  async #awaitEcho(pending: Pending): Promise<void> {
    pending.isEchoCertain = true;
    const { commands, settings, node } = this.#parts();
    const marked = this.#markers.expect();
    const mark = Buffer.from(`${plainMarker}${marked.id}`);
    try {
      await commands.connection?.publish(`${settings.prefix}:node:${node}`, mark);
    } catch {
      // Who is not heard of any more has its deadline.
      return marked.forget();
    }
    if (!(await marked.here)) return;
    this.#subscriptions.of(pending.group)?.whenLive(() => this.#resolve(pending, pending.counts ?? { ...nobody }));
  }

  settleGroup(group: string): void {
    for (const pending of [...this.#open.values()]) {
      if (pending.group === group && pending.reply !== undefined) this.#resolve(pending, { ...nobody });
    }
  }

  /** Of members that this message reaches by another way, or not at all. */
  #unheard({ group, message }: Pending): Counts {
    const { local } = this.#parts().context;
    const members = local.members(group).filter(({ uuid }) => !message.except.includes(uuid)).length;
    return { ...nobody, members, ...(message.save ? { queued: members } : { dropped: members }) };
  }

  #resolve(pending: Pending, counts: Counts): void {
    const { reply } = pending;
    if (reply === undefined || !this.#finish(pending)) return;
    this.#parts().counters.published += 1;
    const { nodes, position } = reply;
    pending.settle({ counts, nodes, exists: nodes > 0, ...(position === undefined ? {} : { position }) });
  }

  reject(pending: Pending, error: Error): void {
    if (!this.#finish(pending)) return;
    const { counters } = this.#parts();
    if (error instanceof LayerError) counters[error.delivered === 'unknown' ? 'unknown' : 'notSent'] += 1;
    pending.fail(error);
  }

  #finish(pending: Pending): boolean {
    if (!this.#open.delete(pending.sequence)) return false;
    this.#bytes -= pending.item.length;
    return true;
  }

  unknown(why: string): LayerError {
    return new LayerError(
      'CHANNELBOX_LAYER_UNKNOWN',
      `whether it was sent is unknown: ${why}; send it again with a key, or not at all`,
      { delivered: 'unknown' },
    );
  }

  // ── In time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #arm(dueMs: number): void {
    const { clock } = this.#parts().context;
    if (this.#timer !== undefined) {
      if (this.#timer.dueMs <= dueMs) return;
      clock.clearTimeout(this.#timer);
    }
    this.#timer = clock.setTimeout(() => this.#onDue(), Math.max(0, dueMs - clock.monotonic()), 'redis publishes');
  }

  #onDue(): void {
    this.#timer = undefined;
    const { context, commands } = this.#parts();
    const nowMs = context.clock.monotonic();
    const isDown = commands.connection === undefined;
    let nextMs = Infinity;
    for (const pending of this.#open.values()) {
      const isHeld = isDown && pending.attempt === undefined;
      const dueMs = isHeld ? Math.min(pending.dueMs, pending.heldUntilMs) : pending.dueMs;
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        // With a connection they stand in order of their deadlines.
        if (!isDown) break;
      } else if (isHeld) this.#giveUpHeld(pending);
      else this.#giveUpLate(pending);
    }
    if (nextMs < Infinity) this.#arm(nextMs);
  }

  #giveUpHeld(pending: Pending): void {
    this.#forget(pending);
    const { settings, context, calls } = this.#parts();
    if (!settings.localFallback) return this.reject(pending, calls.down());
    try {
      const { local } = context;
      const exists = local.hasGroup(pending.group);
      const counts = local.deliver(pending.group, { ...pending.message, save: false }, undefined);
      if (this.#finish(pending)) pending.settle({ counts, exists, nodes: exists ? 1 : 0 });
    } catch (error) {
      this.reject(pending, error as Error);
    }
  }

  #giveUpLate(pending: Pending): void {
    if (pending.reply !== undefined) return this.#resolve(pending, this.#unheard(pending));
    this.#forget(pending);
    const { calls, health } = this.#parts();
    // Also where it waited behind another one and was never written: one code means one thing to whoever reads it.
    this.reject(pending, calls.late('Redis did not answer a publish', { delivered: 'unknown' }));
    if (pending.attempt !== undefined) health.fail('answers', 'Redis does not answer');
  }
}
