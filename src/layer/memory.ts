import { History } from './history.ts';
import type {
  Awaitable,
  ChannelLayer,
  CloseOptions,
  CloseTarget,
  Counts,
  Entry,
  EntryPage,
  GroupMessage,
  HistoryQuery,
  LayerContext,
  Member,
  Payload,
  Position,
  Published,
  SendOutcome,
} from './layer.ts';

/** So many groups that lost their history are remembered; then all groups without one begin a new epoch. */
const lostMax = 1000;

function nobody(): Counts {
  return { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
}

/** One node alone: every answer is there at once. */
export class MemoryLayer implements ChannelLayer {
  #context: LayerContext | undefined;
  #node: string | undefined = undefined;
  /** In order of the last write: the first is the one written longest ago. */
  readonly #histories = new Map<string, History>();
  #bytes = 0;
  /** How often a history was given up. */
  #givenUp = 0;
  /** Of groups without history, at which of these they lost it: with the name of this run that is their epoch. */
  readonly #lostAt = new Map<string, number>();
  /** The same of all groups that are not remembered any more. */
  #lostBefore = 0;
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
    const known = message.key === undefined ? undefined : this.#positionOf(group, message.key);
    if (known !== undefined) return { counts: nobody(), nodes: 0, exists: local.hasGroup(group), position: known };
    const entry = message.save ? this.#append(group, message) : undefined;
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
    const history = this.#trimmed(group);
    if (history !== undefined) return history.read(query);
    const position = { epoch: this.#epochOf(group), offset: 0 };
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

  /** It changes only when the group itself loses its history, so that a position of the empty group stays good. */
  #epochOf(group: string): string {
    return `${this.node}-${this.#lostAt.get(group) ?? this.#lostBefore}`;
  }

  #positionOf(group: string, key: string): Position | undefined {
    return this.#trimmed(group)?.positionOf(key);
  }

  #trimmed(group: string): History | undefined {
    const history = this.#histories.get(group);
    if (history === undefined) return undefined;
    const { clock, bounds } = this.#opened;
    const before = history.costBytes;
    history.trim(clock.monotonic(), bounds);
    this.#bytes += history.costBytes - before;
    return history;
  }

  #append(group: string, { payload, key }: GroupMessage): Entry {
    const { clock, bounds, uuid } = this.#opened;
    const kept = this.#histories.get(group);
    const history = kept ?? new History(this.#epochOf(group));
    const before = kept?.costBytes ?? 0;
    const entry = history.append(
      payload,
      { uuid: uuid(), created: clock.now() / 1000, atMs: clock.monotonic(), key },
      bounds,
    );
    this.#histories.delete(group);
    this.#histories.set(group, history);
    this.#lostAt.delete(group);
    this.#bytes += history.costBytes - before;
    this.#evict(bounds.totalBytesMax);
    this.#wakeWhenOld();
    return entry;
  }

  /** Over the total, whole groups go, the one written longest ago first; the last one loses its oldest messages. */
  #evict(totalBytesMax: number): void {
    while (this.#bytes > totalBytesMax) {
      const [name, history] = this.#histories.entries().next().value as [string, History];
      if (this.#histories.size > 1 || history.count === 0) this.#giveUp(name);
      else {
        const before = history.costBytes;
        history.dropOldest();
        this.#bytes += history.costBytes - before;
      }
    }
  }

  #giveUp(group: string): void {
    const history = this.#histories.get(group);
    if (history === undefined) return;
    this.#histories.delete(group);
    this.#bytes -= history.costBytes;
    this.#givenUp += 1;
    if (this.#lostAt.size >= lostMax) {
      this.#lostAt.clear();
      this.#lostBefore = this.#givenUp;
    }
    this.#lostAt.set(group, this.#givenUp);
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
