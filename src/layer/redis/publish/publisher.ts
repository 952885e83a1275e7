import { BoxError, LayerError } from '../../../errors.ts';
import { payloadBytes } from '../../../protocol/codec.ts';
import type { GroupMessage, Position, Published } from '../../layer.ts';
import { BrokerRefusal, listOf, numberOf, textOf, type BrokerConnection, type BrokerReply } from '../broker/broker.ts';
import type { NodeParts } from '../connection/calls.ts';
import { encodeItem, markOf } from '../connection/envelope.ts';
import type { Markers } from '../group/markers.ts';
import { fenceOf, keysOf, lifeOf } from '../group/log.ts';
import type { Subscriptions } from '../group/subscriptions.ts';
import { GroupLane, type Pending } from './lane.ts';
import { OpenPublishes } from './open-publishes.ts';

const knownMax = 4_096;

/**
 * Publishes of this node: those of one turn to one group in one command, one command of a group under way at a time.
 *
 * That keeps their order through everything that may happen to a command, and gathers what comes meanwhile. A publish is
 * settled when the broker has executed it and this node has delivered it through its own subscription.
 */
export class GroupPublisher {
  readonly #parts: () => NodeParts;
  readonly #subscriptions: Subscriptions;
  readonly open: OpenPublishes;
  readonly #lanes = new Map<string, GroupLane>();
  /** Where groups stood that this node published to without hearing them: what a retry is checked against. */
  readonly #known = new Map<string, Position>();
  readonly #dirty = new Set<GroupLane>();
  #sequence = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: () => NodeParts, subscriptions: Subscriptions, markers: Markers) {
    this.#parts = parts;
    this.#subscriptions = subscriptions;
    this.open = new OpenPublishes(parts, subscriptions, markers, (pending) =>
      this.#lanes.get(pending.group)?.forget(pending),
    );
    const echoed: Subscriptions['echoed'] = (sequence, outcome) => this.open.echoed(sequence, outcome);
    const onEnd: Subscriptions['onEnd'] = ({ group }) => this.open.settleGroup(group);
    subscriptions.echoed = echoed;
    subscriptions.onEnd = onEnd;
  }

  publish(group: string, message: GroupMessage): Promise<Published> {
    const { settings, context, commands, node, counters, calls } = this.#parts();
    const bytes = payloadBytes(message.payload);
    this.#checkSize(bytes, message.save);
    this.#sequence += 1;
    const item = encodeItem({
      node,
      sequence: this.#sequence,
      isSaved: message.save,
      uuid: message.save ? context.uuid() : '',
      except: message.except,
      payload: message.payload,
    });
    const nowMs = context.clock.monotonic();
    const pending: Pending = {
      sequence: this.#sequence,
      group,
      message,
      item,
      bytes,
      dueMs: nowMs + settings.deadlineMs,
      heldUntilMs: nowMs + settings.holdMs,
      attempt: undefined,
      isAgain: false,
      reply: undefined,
      counts: undefined,
      isEchoCertain: false,
      isDeaf: false,
      settle: () => {},
      fail: () => {},
    };
    if (this.#isClosed) return Promise.reject(calls.closed());
    if (commands.connection === undefined && this.open.bytes + item.length > settings.holdBytesMax) {
      counters.notSent += 1;
      return Promise.reject(
        new LayerError(
          'CHANNELBOX_LAYER_HELD',
          `not sent: ${this.open.bytes} bytes wait for a connection already, holdBytesMax is ${settings.holdBytesMax}`,
          { delivered: 'not-sent' },
        ),
      );
    }
    return new Promise((resolve, reject) => {
      pending.settle = resolve;
      pending.fail = reject;
      this.open.add(pending);
      const lane = this.#laneOf(group);
      lane.waiting.push(pending);
      this.#schedule(lane);
    });
  }

  /** A command connection is there: what waited goes, in order. */
  commandsUp(): void {
    for (const lane of this.#lanes.values()) this.#pump(lane);
  }

  close(): void {
    this.#isClosed = true;
    this.open.close();
  }

  /** @throws {BoxError} `CHANNELBOX_MESSAGE_TOO_LARGE` */
  #checkSize(bytes: number, save: boolean): void {
    const { settings, context } = this.#parts();
    const { bytesMax } = context.bounds;
    const isKept = save && bytesMax < settings.payloadBytesMax;
    const max = isKept ? bytesMax : settings.payloadBytesMax;
    if (bytes <= max) return;
    throw new BoxError(
      'CHANNELBOX_MESSAGE_TOO_LARGE',
      `payload is ${bytes} bytes, limit ${max}; raise ${isKept ? 'historySize' : 'payloadBytesMax'} or send a link`,
    );
  }

  #laneOf(group: string): GroupLane {
    let lane = this.#lanes.get(group);
    if (lane === undefined) {
      lane = new GroupLane(group);
      this.#lanes.set(group, lane);
    }
    return lane;
  }

  #schedule(lane: GroupLane): void {
    this.#dirty.add(lane);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // As queueMicrotask, without the asynchronous resource that Node makes for each of its calls.
    void soon.then(this.#pumpDirty);
  }

  readonly #pumpDirty = (): void => {
    this.#isScheduled = false;
    if (this.#dirty.size === 1) {
      for (const only of this.#dirty) {
        this.#dirty.clear();
        this.#pump(only);
      }
      return;
    }
    const lanes = [...this.#dirty];
    this.#dirty.clear();
    for (const one of lanes) this.#pump(one);
  };

  #pump(lane: GroupLane): void {
    const { connection } = this.#parts().commands;
    if (connection === undefined || lane.isUnderWay) return;
    const batch = lane.take();
    if (batch.length === 0) {
      if (lane.isEmpty) this.#lanes.delete(lane.group);
      return;
    }
    lane.isUnderWay = true;
    void this.#send(lane, batch, connection);
  }

  async #send(lane: GroupLane, batch: readonly Pending[], connection: BrokerConnection): Promise<void> {
    const { commands } = this.#parts();
    if (batch[0]?.attempt !== undefined && batch[0].attempt.runId !== connection.facts.runId) {
      for (const pending of batch) this.open.reject(pending, this.open.unknown('another server answers now'));
      return this.#next(lane);
    }
    const subscription = this.#subscriptions.of(lane.group);
    const isHeard = subscription !== undefined && subscription.phase !== 'away';
    const isLive = isHeard && subscription.phase !== 'placing';
    const known = subscription?.cursor ?? this.#known.get(lane.group);
    for (const pending of batch) {
      pending.isEchoCertain = isLive;
      pending.attempt ??= { runId: connection.facts.runId, known };
    }
    try {
      const reply = await this.#command(lane, batch, connection);
      this.#answered(batch, reply);
    } catch (error) {
      if (error instanceof BrokerRefusal) {
        const refused = this.#parts().calls.refused(error);
        for (const pending of batch) this.open.reject(pending, refused);
      } else {
        if (commands.connection === connection) commands.replace(error as Error);
        this.#lost(lane, batch);
      }
    }
    this.#next(lane);
  }

  #next(lane: GroupLane): void {
    lane.isUnderWay = false;
    this.#pump(lane);
  }

  #command(lane: GroupLane, batch: readonly Pending[], connection: BrokerConnection): Promise<BrokerReply> {
    const parts = this.#parts();
    const { context, counters } = parts;
    const channel = this.#subscriptions.channelOf(lane.group);
    const [first] = batch;
    const items = batch.length === 1 && first !== undefined ? first.item : Buffer.concat(batch.map(({ item }) => item));
    if (first === undefined || !batch.some(({ message }) => message.save)) {
      return connection.publish(channel, Buffer.concat([unsavedHead, items]));
    }
    const { bytesMax, countMax } = context.bounds;
    const saved: (string | number)[] = [];
    let at = 0;
    for (const { item, bytes, message } of batch) {
      if (message.save) saved.push(at + itemStart, at + item.length, bytes, message.key ?? '');
      at += item.length;
    }
    const args = [
      fenceOf(parts, connection),
      parts.fresh(),
      lifeOf(parts),
      Number.isFinite(countMax) ? Math.floor(countMax) : Number.MAX_SAFE_INTEGER,
      Number.isFinite(bytesMax) ? bytesMax : Number.MAX_SAFE_INTEGER,
      channel,
      items,
      saved.length / 4,
    ];
    const keys = keysOf(channel);
    if (!first.isAgain) return connection.run('publish', keys, [...args, ...saved]);
    counters.retried += 1;
    const { known } = first.attempt ?? {};
    return connection.run('again', keys, [
      ...args,
      known?.epoch ?? '',
      known?.offset ?? 0,
      markOf(first.item),
      ...saved,
    ]);
  }

  #answered(batch: readonly Pending[], reply: BrokerReply): void {
    this.#parts().health.mend('answers');
    if (typeof reply === 'number') {
      for (const pending of batch) this.open.executed(pending, { nodes: reply, position: undefined });
      return;
    }
    const [epochReply, first, , nodes, again] = listOf(reply);
    const epoch = textOf(epochReply);
    let offset = numberOf(first);
    for (const pending of batch) {
      if (epoch === '') {
        this.open.reject(pending, this.open.unknown('the group began a new epoch meanwhile'));
        continue;
      }
      const position = pending.message.save ? { epoch, offset: (offset += 1) - 1 } : undefined;
      if (position !== undefined) this.#remember(pending.group, position);
      if (numberOf(again) === 1) this.open.doubled(pending, position);
      else this.open.executed(pending, { nodes: numberOf(nodes), position });
    }
  }

  #remember(group: string, position: Position): void {
    if (this.#subscriptions.of(group) !== undefined) return;
    this.#known.delete(group);
    this.#known.set(group, position);
    if (this.#known.size <= knownMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  /** The connection went while they were under way: the saved are asked for again, of the others nobody knows. */
  #lost(lane: GroupLane, batch: readonly Pending[]): void {
    const again: Pending[] = [];
    for (const pending of batch) {
      if (!this.open.has(pending)) continue;
      if (pending.message.save) {
        pending.isAgain = true;
        again.push(pending);
      } else this.open.reject(pending, this.open.unknown('the connection went while it was under way'));
    }
    lane.waiting.unshift(...again);
  }
}

const unsavedHead = Buffer.from('1U');
/** Of an item behind its length, as the broker counts: from 1. */
const itemStart = 5;
const soon = Promise.resolve();
