import { History } from './history.ts';
import type {
  Awaitable,
  ChannelLayer,
  CloseOptions,
  CloseTarget,
  Entry,
  EntryPage,
  GroupMessage,
  HistoryQuery,
  LayerContext,
  Member,
  Payload,
  Published,
  SendOutcome,
} from './layer.ts';

/** One node alone: every answer is there at once. */
export class MemoryLayer implements ChannelLayer {
  #context: LayerContext | undefined;
  #node: string | undefined = undefined;
  /** In order of the last write: the first is the one written longest ago. */
  readonly #histories = new Map<string, History>();
  #bytes = 0;
  /** With the name of this run, an epoch that ends whenever any group's history is given up. */
  #givenUp = 0;
  #isAwake = false;

  /** Drawn when first asked for, so that whoever instruments the app before then has a say in it. */
  get node(): string {
    this.#node ??= this.#opened.uuid().slice(0, 8);
    return this.#node;
  }

  get historyBytes(): number {
    return this.#bytes;
  }

  open(context: LayerContext): void {
    this.#context = context;
  }

  publish(group: string, message: GroupMessage): Published {
    const { local } = this.#opened;
    const entry = message.save ? this.#append(group, message.payload) : undefined;
    const exists = local.hasGroup(group);
    const counts = local.deliver(group, message, entry);
    const published = { counts, exists, nodes: exists ? 1 : 0 };
    return entry === undefined ? published : { ...published, position: entry.position };
  }

  subscribe(): void {}

  unsubscribe(): void {}

  members(group: string): Member[] {
    return this.#opened.local.members(group);
  }

  groups(): Map<string, Member[]> {
    const { local } = this.#opened;
    return new Map(Array.from(local.groups(), (group) => [group, local.members(group)]));
  }

  send(channel: string, payload: Payload): Awaitable<SendOutcome> {
    return this.#opened.local.send(channel, payload) ?? 'closed';
  }

  closeChannels(target: CloseTarget, options: CloseOptions): number {
    return this.#opened.local.close(target, options);
  }

  history(group: string, query: HistoryQuery): EntryPage {
    const { clock, bounds } = this.#opened;
    const history = this.#histories.get(group);
    if (history !== undefined) {
      const before = history.bytes;
      history.trim(clock.monotonic(), bounds);
      this.#bytes += history.bytes - before;
      return history.read(query);
    }
    const position = { epoch: this.#epoch, offset: 0 };
    const { since } = query;
    const recovered = since === undefined || (since.epoch === position.epoch && since.offset === 0);
    return { entries: [], recovered, position };
  }

  historyGroups(): string[] {
    return [...this.#histories.keys()];
  }

  flushHistory(group?: string): void {
    for (const name of group === undefined ? this.#histories.keys() : [group]) this.#giveUp(name);
  }

  async close(): Promise<void> {
    this.#histories.clear();
    this.#bytes = 0;
  }

  get #opened(): LayerContext {
    if (this.#context === undefined) throw new Error('a layer is opened by the box that it is given to');
    return this.#context;
  }

  get #epoch(): string {
    return `${this.node}-${this.#givenUp}`;
  }

  #append(group: string, payload: Payload): Entry {
    const { clock, bounds, uuid } = this.#opened;
    const history = this.#histories.get(group) ?? new History(this.#epoch);
    const before = history.bytes;
    const entry = history.append(
      payload,
      { uuid: uuid(), created: clock.now() / 1000, atMs: clock.monotonic() },
      bounds,
    );
    this.#histories.delete(group);
    this.#histories.set(group, history);
    this.#bytes += history.bytes - before;
    this.#evict(bounds.totalBytesMax);
    this.#wakeWhenOld();
    return entry;
  }

  /** Over the total, whole groups go, the one written longest ago first; the last one loses its oldest messages. */
  #evict(totalBytesMax: number): void {
    while (this.#bytes > totalBytesMax) {
      const [name, history] = this.#histories.entries().next().value as [string, History];
      if (this.#histories.size > 1) this.#giveUp(name);
      else {
        const before = history.bytes;
        history.dropOldest();
        this.#bytes += history.bytes - before;
      }
    }
  }

  #giveUp(group: string): void {
    const history = this.#histories.get(group);
    if (history === undefined) return;
    this.#histories.delete(group);
    this.#bytes -= history.bytes;
    this.#givenUp += 1;
  }

  /** Groups that nobody writes any more are given up when their newest message is too old. */
  #wakeWhenOld(): void {
    if (this.#isAwake) return;
    const first = this.#histories.values().next().value;
    if (first === undefined) return;
    const { bounds, wakeAt } = this.#opened;
    if (!Number.isFinite(bounds.ttlMs)) return;
    this.#isAwake = true;
    wakeAt(first.newestMs + bounds.ttlMs, this.#onWake);
  }

  readonly #onWake = (): void => {
    this.#isAwake = false;
    const { clock, bounds } = this.#opened;
    const bornBeforeMs = clock.monotonic() - bounds.ttlMs;
    for (const [name, history] of this.#histories) {
      if (history.newestMs > bornBeforeMs) break;
      this.#giveUp(name);
    }
    this.#wakeWhenOld();
  };
}
