/** The broker keeps this of a group, and where it stands. */
import type { Entry, Position } from '../../layer.ts';
import { listOf, numberOf, textOf, type BrokerConnection, type BrokerReply } from '../broker/broker.ts';
import type { NodeParts } from '../connection/calls.ts';
import { decodeItem, groupKey, type Item } from '../connection/envelope.ts';

/** What the broker keeps of a group, and where it stands. */
export interface LogPage {
  readonly epoch: string;
  /** Offset of the newest message. */
  readonly top: number;
  /** Offset at which the epoch began. */
  readonly base: number;
  readonly previous: Position;
  readonly why: string;
  /** Offset of the oldest message that is kept; one more than `top` where none is. */
  readonly first: number;
  readonly entries: readonly LogEntry[];
  /** Of the server that answered. */
  readonly runId: string;
}

export interface LogEntry {
  readonly offset: number;
  /** Undefined for what cannot be read. */
  readonly item: Item | undefined;
  readonly entry: Entry | undefined;
}

export interface LogQuery {
  readonly since: Position | undefined;
  /** 0 for none, -1 for all. */
  readonly limit: number;
  readonly keep: 'oldest' | 'newest';
  /** A gap that cannot be filled begins an epoch. */
  readonly isRecovery: boolean;
  /** Pushed to this node behind all that the page holds. */
  readonly marker: string | undefined;
}

/** The channel of a group is also how the names of its keys begin. */
export function channelOf(prefix: string, group: string): string {
  return `${prefix}:{${groupKey(group)}}`;
}

export function keysOf(channel: string): string[] {
  return [`${channel}:meta`, `${channel}:log`, `${channel}:keys`];
}

/** The run that epochs are bound to; none where a restart is trusted to bring back everything. */
export function fenceOf(parts: NodeParts, connection: BrokerConnection): string {
  return parts.settings.trustPersistence ? '' : connection.facts.runId;
}

export async function readLog(
  parts: NodeParts,
  connection: BrokerConnection,
  group: string,
  query: LogQuery,
): Promise<LogPage> {
  const { settings, context, node } = parts;
  const { ttlMs } = context.bounds;
  const reply = await connection.run('read', keysOf(channelOf(settings.prefix, group)), [
    fenceOf(parts, connection),
    parts.fresh(),
    Number.isFinite(ttlMs) ? Math.ceil(ttlMs) : -1,
    query.since?.epoch ?? '',
    query.since?.offset ?? 0,
    query.limit,
    query.keep,
    query.isRecovery ? '1' : '0',
    query.marker === undefined ? '' : `${settings.prefix}:node:${node}`,
    query.marker ?? '',
  ]);
  const [epoch, top, base, previous, previousTop, why, first, entries] = listOf(reply);
  return {
    epoch: textOf(epoch),
    top: numberOf(top),
    base: numberOf(base),
    previous: { epoch: textOf(previous), offset: numberOf(previousTop) },
    why: textOf(why),
    first: numberOf(first),
    entries: listOf(entries).map((entry) => entryOf(textOf(epoch), entry)),
    runId: connection.facts.runId,
  };
}

function entryOf(epoch: string, reply: BrokerReply): LogEntry {
  const [id, fields] = listOf(reply);
  const offset = Number.parseInt(textOf(id), 10);
  const [, bytes, , , , createdMs] = listOf(fields);
  const item = Buffer.isBuffer(bytes) ? decodeItem(bytes) : undefined;
  if (item === undefined) return { offset, item, entry: undefined };
  const { uuid, payload } = item;
  return { offset, item, entry: { uuid, payload, created: numberOf(createdMs) / 1000, position: { epoch, offset } } };
}

/** How long a group's keys outlive its last message: longer than the messages may be asked for. */
export function lifeOf({ context, settings }: NodeParts): string {
  const { ttlMs } = context.bounds;
  if (!Number.isFinite(ttlMs)) return '0';
  return String(Math.ceil(ttlMs * 1.5) + 600_000 + 4 * settings.verifyMs);
}
