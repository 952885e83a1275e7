import {
  BoxError,
  type ChannelLayer,
  type Clock,
  type CloseOptions,
  type CloseTarget,
  type Counts,
  type GroupMessage,
  type HistoryBounds,
  type LayerEntry,
  type LocalNode,
  type Member,
  type Missed,
  type Payload,
  type SendOutcome,
} from 'channelbox';

export interface Delivered {
  readonly group: string;
  readonly text: string;
  readonly message: GroupMessage;
  readonly entry: LayerEntry | undefined;
}

export const bounds: HistoryBounds = {
  bytesMax: 1024 * 1024,
  countMax: 10_000,
  ttlMs: 24 * 60 * 60 * 1000,
  totalBytesMax: 64 * 1024 * 1024,
};

/** A box as a layer sees it, that notes down all it is told; a member is an id in a group. */
export class StubNode implements LocalNode {
  readonly layer: ChannelLayer;
  readonly delivered: Delivered[] = [];
  readonly sent: { readonly channel: string; readonly payload: Payload }[] = [];
  readonly closed: { readonly target: CloseTarget; readonly options: CloseOptions }[] = [];
  /** With how many messages had been delivered by then. */
  readonly misses: { readonly group: string; readonly what: Missed; readonly after: number }[] = [];
  readonly reports: unknown[] = [];
  readonly #clock: Clock;
  readonly #groups = new Map<string, Map<string, Member>>();
  /** Channels that take no bytes. */
  readonly #channels = new Map<string, 'json' | 'bytes'>();
  /** Settles with the layer's own `open`. */
  readonly opened: Promise<void>;
  #ids = 0;

  constructor(layer: ChannelLayer, clock: Clock, limits: Partial<HistoryBounds> = {}) {
    this.layer = layer;
    this.#clock = clock;
    const prefix = Math.random().toString(36).slice(2, 8);
    const opening = layer.open({
      local: this,
      clock,
      bounds: { ...bounds, ...limits },
      uuid: () => `${prefix}-${(this.#ids += 1)}`,
      report: (error) => this.reports.push(error),
      wakeAt: (dueMs, wake) => clock.setTimeout(wake, Math.max(0, dueMs - clock.monotonic())),
    });
    this.opened = (async () => opening)();
    this.opened.catch(() => {});
  }

  /** As a box names a channel: the layer may put in where it lives. */
  channel(kind: 'json' | 'bytes' = 'json'): string {
    const uuid = `channel-${(this.#ids += 1)}`;
    const id = this.layer.channelId?.(uuid) ?? uuid;
    this.#channels.set(id, kind);
    return id;
  }

  /** Joins as a box does. Its promise means that no later publish is missed. */
  async join(group: string, channel: string = this.channel(), metadata: Member['metadata'] = {}): Promise<string> {
    const members = this.#groups.get(group) ?? new Map<string, Member>();
    const isFirst = members.size === 0;
    const member = { uuid: channel, node: this.layer.node, created: this.#clock.now() / 1000, metadata };
    members.set(channel, member);
    this.#groups.set(group, members);
    const subscribed = isFirst ? this.layer.subscribe(group) : undefined;
    const announced = this.layer.announce?.(group, member);
    await Promise.all([subscribed, announced]);
    return channel;
  }

  async leave(group: string, channel: string): Promise<void> {
    const members = this.#groups.get(group);
    members?.delete(channel);
    if (members?.size === 0) this.#groups.delete(group);
    const retired = this.layer.retire?.(group, channel);
    const unsubscribed = this.#groups.has(group) ? undefined : this.layer.unsubscribe(group);
    await Promise.all([retired, unsubscribed]);
  }

  deliver(group: string, message: GroupMessage, entry: LayerEntry | undefined): Counts {
    const present = this.#groups.get(group);
    // Where nobody is, nobody is handed anything.
    if (present === undefined) return { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
    this.delivered.push({ group, text: textOf(message.payload), message, entry });
    const members = [...present.keys()].filter((id) => !message.except.includes(id)).length;
    return { members, sent: members, queued: 0, dropped: 0, closed: 0 };
  }

  send(channel: string, payload: Payload): SendOutcome | undefined {
    const kind = this.#channels.get(channel);
    if (kind === undefined) return undefined;
    if (payload.kind === 'bytes' && kind !== 'bytes') {
      throw new BoxError('CHANNELBOX_PAYLOAD_KIND', 'bytes came for a json channel');
    }
    this.sent.push({ channel, payload });
    return 'sent';
  }

  missed(group: string, what: Missed): void {
    this.misses.push({ group, what, after: this.delivered.length });
  }

  close(target: CloseTarget, options: CloseOptions): number {
    this.closed.push({ target, options });
    if (target === 'all') return this.#channels.size;
    if ('group' in target) return this.#groups.get(target.group)?.size ?? 0;
    return this.#channels.has(target.channel) ? 1 : 0;
  }

  members(group: string): Member[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  groups(): Iterable<string> {
    return this.#groups.keys();
  }

  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  /** What this node's members of the group were handed, in order. */
  texts(group: string): string[] {
    return this.delivered.filter((one) => one.group === group).map(({ text }) => text);
  }
}

export function saying(text: string, more: Partial<GroupMessage> = {}): GroupMessage {
  return { payload: { kind: 'string', text }, except: [], save: false, ...more };
}

export function saved(text: string): GroupMessage {
  return saying(text, { save: true });
}

export function textOf(payload: Payload): string {
  return payload.kind === 'bytes' ? Buffer.from(payload.bytes).toString('latin1') : payload.text;
}
