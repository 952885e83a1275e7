import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BoxError,
  type ChannelLayer,
  type GroupMessage,
  type HistoryQuery,
  type LayerContext,
  type Payload,
} from 'channelbox';

interface Kept {
  uuid: string;
  created: number;
  atMs: number;
  bytes: number;
  key: string | undefined;
  kind: Payload['kind'];
  data: string;
  offset: number;
}
interface Log {
  epoch: string;
  offset: number;
  kept: Kept[];
}

/** A layer as anyone may write it: one node, whose histories are files in a folder. The published suite says whether it keeps the contract. */
export class FileLayer implements ChannelLayer {
  readonly node = 'files';
  readonly historyBytes = 0;
  readonly #folder: string;
  #context!: LayerContext;

  constructor(folder: string) {
    this.#folder = folder;
  }
  open(context: LayerContext): void {
    this.#context = context;
  }

  publish(group: string, message: GroupMessage): ReturnType<ChannelLayer['publish']> {
    const { local, bounds, clock, uuid } = this.#context;
    const exists = local.hasGroup(group);
    if (!message.save) return { counts: local.deliver(group, message, undefined), exists, nodes: exists ? 1 : 0 };
    const log = this.#read(group);
    const { epoch } = log;
    const first = log.kept.find(({ key }) => key !== undefined && key === message.key);
    if (first !== undefined)
      return {
        counts: { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 },
        exists,
        nodes: 0,
        position: { epoch, offset: first.offset },
      };
    const { payload, key } = message;
    const bytes = payload.kind === 'bytes' ? Buffer.from(payload.bytes) : Buffer.from(payload.text);
    if (bytes.length > bounds.bytesMax)
      throw new BoxError('CHANNELBOX_MESSAGE_TOO_LARGE', `payload is ${bytes.length} bytes, limit ${bounds.bytesMax}`);
    const entry = { uuid: uuid(), created: clock.now() / 1000, payload, position: { epoch, offset: log.offset + 1 } };
    const kept = {
      uuid: entry.uuid,
      created: entry.created,
      atMs: clock.monotonic(),
      bytes: bytes.length,
      key,
      kind: payload.kind,
      data: bytes.toString('base64'),
      offset: log.offset + 1,
    };
    this.#write(group, { epoch, offset: log.offset + 1, kept: [...log.kept, kept] });
    return { counts: local.deliver(group, message, entry), exists, nodes: exists ? 1 : 0, position: entry.position };
  }

  subscribe(): void {}
  unsubscribe(): void {}
  members(group: string): ReturnType<LayerContext['local']['members']> {
    return this.#context.local.members(group);
  }
  groups(): ReturnType<ChannelLayer['groups']> {
    return new Map(Array.from(this.#context.local.groups(), (group) => [group, this.members(group)]));
  }
  send(channel: string, payload: Payload): ReturnType<ChannelLayer['send']> {
    return this.#context.local.send(channel, payload) ?? 'closed';
  }
  closeChannels(...order: Parameters<ChannelLayer['closeChannels']>): number {
    return this.#context.local.close(...order);
  }

  history(group: string, { since, limit = Infinity, keep }: HistoryQuery): ReturnType<ChannelLayer['history']> {
    const { epoch, offset, kept } = this.#read(group);
    const oldest = offset - kept.length + 1;
    const isKnown = since !== undefined && since.epoch === epoch && since.offset <= offset;
    const wanted = isKnown ? kept.filter((one) => one.offset > since.offset) : kept;
    const page =
      keep === 'oldest' ? wanted.slice(0, limit) : wanted.slice(wanted.length - Math.min(limit, wanted.length));
    const isCut = keep === 'newest' && page.length < wanted.length;
    const end =
      page.length < wanted.length && keep === 'oldest'
        ? (page.at(-1)?.offset ?? (isKnown ? since.offset : oldest - 1))
        : offset;
    const recovered = (since === undefined || (isKnown && since.offset + 1 >= oldest)) && !isCut;
    return {
      recovered,
      position: { epoch, offset: end },
      entries: page.map((one) => ({
        uuid: one.uuid,
        created: one.created,
        payload: payloadOf(one),
        position: { epoch, offset: one.offset },
      })),
    };
  }

  historyGroups(): string[] {
    return readdirSync(this.#folder)
      .map((name) => Buffer.from(name, 'hex').toString())
      .filter((group) => this.#read(group).kept.length > 0);
  }

  flushHistory(group?: string): void {
    for (const name of group === undefined ? this.historyGroups() : [group]) {
      if (this.#read(name).kept.length > 0) this.#write(name, { epoch: this.#context.uuid(), offset: 0, kept: [] });
    }
  }

  async close(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read(group: string): Log {
    const path = this.#pathOf(group);
    const log = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as Log)
      : { epoch: 'e0', offset: 0, kept: [] };
    return {
      ...log,
      kept: log.kept.filter(({ atMs }) => this.#context.clock.monotonic() - atMs < this.#context.bounds.ttlMs),
    };
  }

  #write(group: string, log: Log): void {
    const { countMax, bytesMax } = this.#context.bounds;
    let bytes = log.kept.reduce((sum, one) => sum + one.bytes, 0);
    while (log.kept.length > countMax || bytes > bytesMax) bytes -= log.kept.shift()?.bytes ?? 0;
    writeFileSync(this.#pathOf(group), JSON.stringify(log));
  }

  #pathOf(group: string): string {
    return join(this.#folder, Buffer.from(group).toString('hex'));
  }
}

function payloadOf({ kind, data }: Kept): Payload {
  const bytes = Buffer.from(data, 'base64');
  return kind === 'bytes' ? { kind, bytes } : { kind, text: bytes.toString() };
}
