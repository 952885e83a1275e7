import { randomFillSync } from 'node:crypto';
import { LayerError } from '../../errors.ts';
import { quiet } from '../../promise.ts';
import { SystemClock, type Clock, type Timer } from '../../time/clock.ts';
import type {
  ChannelLayer,
  CloseOptions,
  CloseTarget,
  EntryPage,
  GroupMessage,
  HistoryQuery,
  LayerContext,
  Member,
  Payload,
  Published,
  SendOutcome,
} from '../layer.ts';
import type { Broker } from './broker/broker.ts';
import { withDeadline, type LayerChance } from './connection/calls.ts';
import {
  HealthRecord,
  noCounters,
  type HealthCounters,
  type RedisHealth,
  type RedisMetrics,
} from './connection/health.ts';
import { NodeSession } from './node/node-session.ts';
import type { LayerSettings } from './connection/options.ts';

/** An app sees the layer by this: beside the contract of every layer, how it stands and what it has counted. */
export interface RedisLayer extends ChannelLayer {
  /** Of this start of the process; random, so that no name is ever used twice. */
  readonly node: string;
  /** Resolves when both connections are there and the node is registered; rejects after `deadlineMs` with LayerError. */
  ready(): Promise<void>;
  health(): RedisHealth;
  /** A copy; counters only grow. */
  metrics(): RedisMetrics;
  /** Called on each change of `health().status`. @returns its own end */
  onHealth(listener: (health: RedisHealth) => void): () => void;
}

const pool = Buffer.allocUnsafe(9 * 512);
let poolAt = pool.length;

/** One draw of the system's randomness serves 512 names. */
function freshName(): string {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  poolAt += 9;
  return pool.toString('base64url', poolAt - 9, poolAt);
}

export const systemChance: LayerChance = { fresh: freshName, random: Math.random };

/** A layer over a broker that keeps logs and pushes messages: all of its logic, and none of its sockets. */
export class BrokeredLayer implements RedisLayer {
  readonly node: string;
  readonly historyBytes: number = 0;
  readonly #broker: Broker;
  readonly #settings: LayerSettings;
  readonly #chance: LayerChance;
  readonly #counters: HealthCounters = noCounters();
  readonly #health: HealthRecord;
  #context: LayerContext | undefined;
  #session: NodeSession | undefined;

  constructor(broker: Broker, settings: LayerSettings, chance: LayerChance = systemChance) {
    this.#broker = broker;
    this.#settings = settings;
    this.#chance = chance;
    this.node = chance.fresh();
    this.#health = new HealthRecord({
      nowMs: () => this.#clock.now(),
      secrets: settings.address.secrets,
      report: (error) => this.#context?.report(error),
    });
  }

  open(context: LayerContext): Promise<void> {
    if (this.#context !== undefined) {
      throw new LayerError(
        'CHANNELBOX_REDIS_OPTIONS',
        'the layer was given to two boxes; allowed is one: make one for each',
      );
    }
    this.#context = context;
    this.#session = new NodeSession(this.#broker, {
      node: this.node,
      settings: this.#settings,
      context,
      counters: this.#counters,
      health: this.#health,
      chance: this.#chance,
    });
    this.#session.start();
    return quiet(this.#settings.start === 'degraded' ? this.#firstSign() : this.ready());
  }

  ready(): Promise<void> {
    const { deadlineMs, address } = this.#settings;
    let end = (): void => {};
    const up = new Promise<void>((resolve, reject) => {
      const look = ({ status }: RedisHealth): void => {
        if (this.#session?.hasRegistered === true && (status === 'up' || status === 'recovering')) resolve();
        if (status === 'closed')
          reject(new LayerError('CHANNELBOX_LAYER_CLOSED', 'the layer was closed before it was ready'));
      };
      end = this.#health.onChange(look);
      look(this.#health.current);
    });
    const ready = withDeadline(this.#clock, deadlineMs, up, () => {
      const why = this.#health.current.reason ?? 'it was not opened; give it to a ChannelBox';
      const text = `no Redis at ${address.place} within ${deadlineMs} ms: ${why}`;
      return new LayerError('CHANNELBOX_LAYER_DOWN', text, { delivered: 'not-sent' });
    });
    return ready.finally(end);
  }

  health(): RedisHealth {
    return this.#health.current;
  }

  metrics(): RedisMetrics {
    return { ...this.#counters };
  }

  onHealth(listener: (health: RedisHealth) => void): () => void {
    return this.#health.onChange(listener);
  }

  channelId(uuid: string): string {
    return `${this.node}.${uuid}`;
  }

  publish(group: string, message: GroupMessage): Promise<Published> {
    return this.#opened.publisher.publish(group, message);
  }

  subscribe(group: string): Promise<void> {
    return this.#opened.subscriptions.subscribe(group);
  }

  unsubscribe(group: string): Promise<void> {
    return this.#opened.subscriptions.unsubscribe(group);
  }

  announce(group: string, member: Member): Promise<void> {
    return this.#opened.membership.announce(group, member);
  }

  retire(group: string, channel: string): Promise<void> {
    return this.#opened.membership.retire(group, channel);
  }

  members(group: string): Promise<Member[]> {
    return this.#opened.membership.members(group);
  }

  groups(): Promise<Map<string, Member[]>> {
    return this.#opened.membership.groups();
  }

  send(channel: string, payload: Payload): Promise<SendOutcome> {
    return this.#opened.orders.send(channel, payload);
  }

  closeChannels(target: CloseTarget, options: CloseOptions): Promise<number> {
    return this.#opened.orders.closeChannels(target, options);
  }

  history(group: string, query: HistoryQuery): Promise<EntryPage> {
    return this.#opened.pages.read(group, query);
  }

  historyGroups(): Promise<string[]> {
    return this.#opened.pages.historyGroups();
  }

  flushHistory(group?: string): Promise<void> {
    return this.#opened.pages.flush(group);
  }

  async close(): Promise<void> {
    await this.#session?.close();
    this.#health.close();
  }

  get #opened(): NodeSession {
    if (this.#session === undefined) throw new Error('a layer is opened by the box that it is given to');
    return this.#session;
  }

  get #clock(): Clock {
    return this.#context?.clock ?? systemClock;
  }

  /** Up, or a first failure: who starts degraded waits for no more. */
  #firstSign(): Promise<void> {
    let end = (): void => {};
    let timer: Timer | undefined;
    const sign = new Promise<void>((resolve) => {
      end = this.#health.onChange(() => resolve());
      timer = this.#clock.setTimeout(resolve, this.#settings.deadlineMs, 'redis start');
    });
    return sign.finally(() => {
      end();
      if (timer !== undefined) this.#clock.clearTimeout(timer);
    });
  }
}

const systemClock = new SystemClock();
