import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import {
  BoxError,
  type ChannelLayer,
  type EntryPage,
  type GroupMessage,
  type HistoryQuery,
  type LayerContext,
  type LayerEntry,
  type Published,
} from 'channelbox';

interface Log {
  readonly epoch: string;
  /** Of the newest message. */
  readonly offset: number;
  readonly kept: { readonly entry: LayerEntry; readonly key: string | undefined; size: number; atMs: number }[];
}

const nobody = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };

/** A layer as anyone may write it: one node, whose histories are files in a folder. The published suite says whether it keeps the contract. */
export class FileLayer implements ChannelLayer {
  readonly node = 'files';
  readonly historyBytes = 0;
  readonly #folder: string;
  #context!: LayerContext;

  constructor(folder: string) {
    this.#folder = folder;
  }

  readonly open = (context: LayerContext): void => void (this.#context = context);
  readonly subscribe = (): void => {};
  readonly unsubscribe = (): void => {};
  readonly close = async (): Promise<void> => rmSync(this.#folder, { recursive: true, force: true });
  readonly members: ChannelLayer['members'] = (group) => this.#context.local.members(group);
  readonly send: ChannelLayer['send'] = (id, payload) => this.#context.local.send(id, payload) ?? 'closed';
  readonly closeChannels: ChannelLayer['closeChannels'] = (...order) => this.#context.local.close(...order);
  readonly groups: ChannelLayer['groups'] = () =>
    new Map(Array.from(this.#context.local.groups(), (group) => [group, this.#context.local.members(group)]));

  publish(group: string, message: GroupMessage): Published {
    const { local, bounds, clock, uuid } = this.#context;
    const to = { exists: local.hasGroup(group), nodes: local.hasGroup(group) ? 1 : 0 };
    if (!message.save) return { counts: local.deliver(group, message, undefined), ...to };
    const { epoch, offset, kept } = this.#read(group);
    const first = message.key === undefined ? undefined : kept.find(({ key }) => key === message.key);
    if (first !== undefined) return { counts: nobody, ...to, nodes: 0, position: first.entry.position };
    const { payload, key } = message;
    const size = payload.kind === 'bytes' ? payload.bytes.length : Buffer.byteLength(payload.text);
    if (size > bounds.bytesMax)
      throw new BoxError('CHANNELBOX_MESSAGE_TOO_LARGE', `${size} of ${bounds.bytesMax} bytes`);
    const position = { epoch, offset: offset + 1 };
    const entry = { uuid: uuid(), created: clock.now() / 1000, payload, position };
    kept.push({ entry, key, size, atMs: clock.monotonic() });
    this.#write(group, { ...position, kept });
    return { counts: local.deliver(group, message, entry), ...to, position };
  }

  history(group: string, { since, limit = Infinity, keep }: HistoryQuery): EntryPage {
    const { epoch, offset, kept } = this.#read(group);
    const oldest = offset - kept.length + 1;
    const isKnown = since !== undefined && since.epoch === epoch && since.offset <= offset;
    const from = isKnown ? Math.max(oldest, since.offset + 1) : oldest;
    const wanted = kept.slice(from - oldest);
    const skipped = Math.max(0, wanted.length - limit);
    const page = keep === 'oldest' ? wanted.slice(0, limit) : wanted.slice(skipped);
    const isGapless = since === undefined || (isKnown && since.offset + 1 >= oldest);
    return {
      entries: page.map(({ entry }) => entry),
      recovered: isGapless && (keep === 'oldest' || skipped === 0),
      position: { epoch, offset: keep === 'oldest' ? offset - skipped : offset },
    };
  }

  historyGroups(): string[] {
    const groups = readdirSync(this.#folder).map((name) => Buffer.from(name, 'hex').toString());
    return groups.filter((group) => this.#read(group).kept.length > 0);
  }

  flushHistory(group?: string): void {
    for (const name of group === undefined ? this.historyGroups() : [group]) {
      if (this.#read(name).kept.length > 0) this.#write(name, { epoch: this.#context.uuid(), offset: 0, kept: [] });
    }
  }

  #read(group: string): Log {
    const { clock, bounds } = this.#context;
    if (!existsSync(this.#pathOf(group))) return { epoch: 'e0', offset: 0, kept: [] };
    const log = deserialize(readFileSync(this.#pathOf(group))) as Log;
    return { ...log, kept: log.kept.filter(({ atMs }) => clock.monotonic() - atMs < bounds.ttlMs) };
  }

  #write(group: string, log: Log): void {
    const { countMax, bytesMax } = this.#context.bounds;
    const bytes = (): number => log.kept.reduce((sum, { size }) => sum + size, 0);
    while (log.kept.length > countMax || bytes() > bytesMax) log.kept.shift();
    writeFileSync(this.#pathOf(group), serialize(log));
  }

  #pathOf(group: string): string {
    return join(this.#folder, Buffer.from(group).toString('hex'));
  }
}
