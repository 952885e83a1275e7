import type {
  ChannelLayer,
  EntryPage,
  GroupMessage,
  HistoryQuery,
  LayerContext,
  LayerEntry,
  Member,
  Published,
} from 'channelbox';
import { turn } from '../manual-clock.ts';

type Call = 'announce' | 'history' | 'publish' | 'retire' | 'subscribe' | 'unsubscribe';

/**
 * A layer of one node whose answers take as many turns of the event loop as the test says, each call by itself: later calls
 * may be answered, and take effect, before earlier ones.
 */
export class AsyncLayer implements ChannelLayer {
  readonly node: string = 'n1';
  readonly historyBytes: number = 0;
  readonly calls: string[] = [];
  answered: number = 0;
  readonly subscribed: Set<string> = new Set<string>();
  readonly entries: LayerEntry[] = [];
  /** Called before the answer of each call; may throw. */
  fail: (call: Call, group: string) => void = () => {};
  readonly #turns: (call: Call) => number;
  readonly #members = new Map<string, Map<string, Member>>();
  #context: LayerContext | undefined;

  constructor(turns: (call: Call) => number = () => 1) {
    this.#turns = turns;
  }

  open(context: LayerContext): Promise<void> | void {
    this.#context = context;
  }

  get context(): LayerContext {
    return this.#context as LayerContext;
  }

  async publish(group: string, message: GroupMessage): Promise<Published> {
    const { local } = this.context;
    if (!message.save) return { counts: local.deliver(group, message, undefined), nodes: 1, exists: true };
    const position = { epoch: 'e', offset: (this.entries.at(-1)?.position.offset ?? 0) + 1 };
    const entry = { uuid: `uuid ${position.offset}`, created: 0, payload: message.payload, position };
    this.entries.push(entry);
    return { counts: local.deliver(group, message, entry), nodes: 1, exists: true, position };
  }

  /** Takes effect in the order of the calls; answered, or refused, in its own time. */
  async subscribe(group: string): Promise<void> {
    this.subscribed.add(group);
    await this.#answer('subscribe', group);
  }

  async unsubscribe(group: string): Promise<void> {
    this.subscribed.delete(group);
    await this.#answer('unsubscribe', group);
  }

  async announce(group: string, member: Member): Promise<void> {
    await this.#answer('announce', group);
    this.#members.set(group, (this.#members.get(group) ?? new Map<string, Member>()).set(member.uuid, member));
  }

  async retire(group: string, channel: string): Promise<void> {
    await this.#answer('retire', group);
    this.#members.get(group)?.delete(channel);
  }

  idsIn(group: string): string[] {
    return [...(this.#members.get(group)?.keys() ?? [])];
  }

  async members(group: string): Promise<Member[]> {
    return [...(this.#members.get(group)?.values() ?? [])];
  }

  async groups(): Promise<Map<string, Member[]>> {
    return new Map();
  }

  async send(): Promise<'closed'> {
    return 'closed';
  }

  async closeChannels(): Promise<number> {
    return 0;
  }

  async history(group: string, query: HistoryQuery): Promise<EntryPage> {
    query.caughtUp?.();
    const entries = [...this.entries];
    await this.#answer('history', group);
    return { entries, recovered: true, position: entries.at(-1)?.position ?? { epoch: 'e', offset: 0 } };
  }

  async historyGroups(): Promise<string[]> {
    return [];
  }

  async flushHistory(): Promise<void> {}

  async close(): Promise<void> {}

  async #answer(call: Call, group: string): Promise<void> {
    this.calls.push(`${call} ${group}`);
    const fail = this.fail;
    await turn(this.#turns(call));
    this.answered += 1;
    fail(call, group);
  }
}
