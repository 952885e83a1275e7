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

  async subscribe(group: string): Promise<void> {
    await this.#answer('subscribe', group);
    this.subscribed.add(group);
  }

  async unsubscribe(group: string): Promise<void> {
    await this.#answer('unsubscribe', group);
    this.subscribed.delete(group);
  }

  async announce(group: string, member: Member): Promise<void> {
    await this.#answer('announce', group);
    this.#members.set(group, (this.#members.get(group) ?? new Map<string, Member>()).set(member.uuid, member));
  }

  async retire(group: string, channel: string): Promise<void> {
    await this.#answer('retire', group);
    this.#members.get(group)?.delete(channel);
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
    fail(call, group);
  }
}
