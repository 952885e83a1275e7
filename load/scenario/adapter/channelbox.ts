import type { Adapter } from './adapter.ts';

interface FeedPosition {
  readonly epoch: string;
  readonly offset: number;
}

interface FeedFrame {
  readonly type?: string;
  readonly position?: FeedPosition;
  readonly data?: { readonly stamp?: unknown };
  readonly messages?: readonly { readonly payload?: FeedFrame }[];
}

/**
 * This adapter speaks to a route of channelbox with history, made like the feed of the guide: `/feed/{name}` sends a
 * page first, `{ type: 'page', messages, recovered, position }`, and then every saved message as `{ data, position }`.
 * A client that comes back asks for what is behind the last position it had, so what was sent while it was away is
 * owed to it and counted.
 */
export const channelbox: Adapter = {
  path: ({ room }) => pathOf(room),
  isJoined: (frame) => read(frame).type === 'page',
  publish: (stamp, payload) => JSON.stringify({ stamp, payload }),
  stampOf(frame) {
    const { data, messages } = read(frame);
    if (messages !== undefined) {
      const stamps = messages.flatMap(({ payload }) => stampIn(payload?.data) ?? []);
      return stamps.length === 0 ? undefined : stamps;
    }
    return stampIn(data);
  },
  kindOf: (frame) => read(frame).type ?? 'other',
  resume({ room }, last) {
    const position = last === undefined ? undefined : read(last).position;
    if (position === undefined) return {};
    return { path: `${pathOf(room)}?epoch=${encodeURIComponent(position.epoch)}&offset=${position.offset}` };
  },
};

const pathOf = (room: string): string => `/feed/${encodeURIComponent(room)}`;

/** A feed may have other speakers, who leave no stamps. */
function stampIn(data: FeedFrame['data']): string | undefined {
  return typeof data?.stamp === 'string' ? data.stamp : undefined;
}

function read(frame: string | Uint8Array): FeedFrame {
  const value: unknown = JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString());
  return typeof value === 'object' && value !== null ? value : {};
}
