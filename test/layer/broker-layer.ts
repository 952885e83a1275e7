import {
  BoxError,
  LayerError,
  type ChannelLayer,
  type CloseOptions,
  type CloseTarget,
  type Counts,
  type EntryPage,
  type GroupMessage,
  type HistoryQuery,
  type LayerContext,
  type Member,
  type Payload,
  type Published,
  type SendOutcome,
} from 'channelbox';
import type { Broker, Lane, PublishedAway, Push } from './broker.ts';

const deadlineMs = 5_000;
const commandTurns = 4;
/** Pushes are slower than answers, so that a page can be read before what it holds is delivered. */
const pushTurns = 12;
const nobody: Counts = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };

type Order =
  | { call: 'send'; channel: string; payload: Payload }
  | { call: 'close'; target: CloseTarget; options: CloseOptions };
type Answer = { value: unknown } | { error: { code: `CHANNELBOX_${string}`; message: string } };

interface Waiting {
  answer(from: string, answer: Answer): void;
}

/** A layer over a broker elsewhere: every answer comes later, and pushes come by a way of their own. */
export class BrokerLayer implements ChannelLayer {
  readonly node: string;
  readonly historyBytes = 0;
  readonly #broker: Broker;
  readonly #commands: Lane<() => void>;
  readonly #answers: Lane<() => void>;
  readonly #pushes: Lane<Push>;
  readonly #delivered = new Map<string, (counts: Counts) => void>();
  readonly #markers = new Map<string, () => void>();
  readonly #waiting = new Map<string, Waiting>();
  #context: LayerContext | undefined;
  #ids = 0;

  constructor(broker: Broker, node: string) {
    this.node = node;
    this.#broker = broker;
    this.#commands = broker.lane((run) => run(), commandTurns);
    this.#answers = broker.lane((run) => run(), commandTurns);
    this.#pushes = broker.lane((push) => this.#pushed(push), pushTurns);
  }

  /** As a broken cable does. */
  cut(): void {
    for (const lane of [this.#commands, this.#answers, this.#pushes]) lane.isCut = true;
  }

  open(context: LayerContext): void {
    this.#context = context;
    this.#broker.attach(this.node, this.#pushes);
  }

  channelId(uuid: string): string {
    return `${this.node}.${uuid}`;
  }

  async publish(group: string, message: GroupMessage): Promise<Published> {
    const id = this.#newId();
    const delivered = new Promise<Counts>((resolve) => {
      this.#delivered.set(id, resolve);
    });
    try {
      const { bounds, clock } = this.#opened;
      const { nodes, exists, position } = await this.#command<PublishedAway>((broker) =>
        broker.publish(id, group, message, { bounds, nowMs: clock.now() }),
      );
      const counts = nodes.includes(this.node) ? await this.#within(delivered) : nobody;
      return { counts, exists, nodes: nodes.length, ...(position === undefined ? {} : { position }) };
    } finally {
      this.#delivered.delete(id);
    }
  }

  subscribe(group: string): Promise<void> {
    return this.#command((broker) => broker.subscribe(this.node, group));
  }

  unsubscribe(group: string): Promise<void> {
    return this.#command((broker) => broker.unsubscribe(this.node, group)).catch(ignore);
  }

  announce(group: string, member: Member): Promise<void> {
    return this.#command((broker) => broker.announce(group, member));
  }

  retire(group: string, channel: string): Promise<void> {
    return this.#command((broker) => broker.retire(group, channel)).catch(ignore);
  }

  members(group: string): Promise<Member[]> {
    return this.#command((broker) => broker.members(group));
  }

  groups(): Promise<Map<string, Member[]>> {
    return this.#command((broker) => broker.groups());
  }

  async send(channel: string, payload: Payload): Promise<SendOutcome> {
    const [node = ''] = channel.split('.', 1);
    if (node === this.node) return (await this.#opened.local.send(channel, payload)) ?? 'closed';
    const answers = await this.#ask([node], { call: 'send', channel, payload });
    return (answers.get(node) as SendOutcome | undefined) ?? 'closed';
  }

  async closeChannels(target: CloseTarget, options: CloseOptions): Promise<number> {
    const nodes = await this.#command((broker) => broker.nodes);
    const answers = await this.#ask(nodes, { call: 'close', target, options });
    const closed = [...answers.values()].reduce((sum: number, count) => sum + (count as number), 0);
    const missing = nodes.filter((node) => !answers.has(node));
    if (missing.length === 0) return closed;
    throw new LayerError('CHANNELBOX_LAYER_DEADLINE', `${missing.join(', ')} did not answer`, {
      partial: closed,
      missing,
    });
  }

  /** Behind the page comes a marker, on the way that deliveries take: once it is here, so is all that the page holds. */
  async history(group: string, query: HistoryQuery): Promise<EntryPage> {
    const { bounds, clock } = this.#opened;
    const id = this.#newId();
    const marked = new Promise<void>((resolve) => {
      this.#markers.set(id, () => {
        query.caughtUp?.();
        resolve();
      });
    });
    try {
      const page = await this.#command((broker) => {
        broker.push(this.node, { kind: 'marker', id });
        return broker.history(group, query, { bounds, nowMs: clock.now() });
      });
      await this.#within(marked);
      return page;
    } finally {
      this.#markers.delete(id);
    }
  }

  historyGroups(): Promise<string[]> {
    return this.#command((broker) => broker.historyGroups());
  }

  flushHistory(group?: string): Promise<void> {
    return this.#command((broker) => broker.flush(group));
  }

  async close(): Promise<void> {
    this.#broker.detach(this.node);
  }

  get #opened(): LayerContext {
    if (this.#context === undefined) throw new Error('not opened');
    return this.#context;
  }

  #newId(): string {
    return `${this.node}-${(this.#ids += 1)}`;
  }

  /** Runs at the broker, and answers; commands of a node run in the order of the calls. */
  #command<T>(run: (broker: Broker) => T): Promise<T> {
    const running = new Promise<T>((resolve, reject) => {
      this.#commands.put(() => {
        let answer: () => void;
        try {
          const value = run(this.#broker);
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error as Error);
        }
        this.#answers.put(answer);
      });
    });
    return this.#within(running);
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    const { clock } = this.#opened;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => {
        reject(new LayerError('CHANNELBOX_LAYER_DEADLINE', 'the broker did not answer', { delivered: 'unknown' }));
      }, deadlineMs);
      promise.then(resolve, reject).finally(() => clock.clearTimeout(timer));
    });
  }

  /** Of other nodes, and of this one; who does not answer in time is missing from the result. */
  async #ask(nodes: readonly string[], order: Order): Promise<Map<string, unknown>> {
    const id = this.#newId();
    const answers = new Map<string, unknown>();
    const answered = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, {
        answer: (from, answer) => {
          if ('error' in answer) reject(new BoxError(answer.error.code, answer.error.message));
          else answers.set(from, answer.value);
          if (answers.size === nodes.length) resolve();
        },
      });
    });
    try {
      const found = await this.#command((broker) =>
        nodes.map((node) => broker.push(node, { kind: 'order', id, from: this.node, order })),
      );
      if (found.includes(true)) await this.#within(answered);
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
    } finally {
      this.#waiting.delete(id);
    }
    return answers;
  }

  #pushed(push: Push): void {
    if (push.kind === 'message') {
      const counts = this.#opened.local.deliver(push.group, push.message, push.entry);
      this.#delivered.get(push.id)?.(counts);
    } else if (push.kind === 'marker') this.#markers.get(push.id)?.();
    else if (push.kind === 'answer') this.#waiting.get(push.id)?.answer(push.from, push.answer as Answer);
    else void this.#obey(push.id, push.from, push.order as Order);
  }

  async #obey(id: string, asker: string, order: Order): Promise<void> {
    const { local } = this.#opened;
    let answer: Answer;
    try {
      const value =
        order.call === 'close'
          ? local.close(order.target, order.options)
          : ((await local.send(order.channel, order.payload)) ?? 'closed');
      answer = { value };
    } catch (error) {
      const { code, message } = error as BoxError;
      answer = { error: { code, message } };
    }
    await this.#command((broker) => broker.push(asker, { kind: 'answer', id, from: this.node, answer }));
  }
}

function ignore(): void {}
