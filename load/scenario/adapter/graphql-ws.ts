import type { Adapter } from './adapter.ts';

interface GraphqlMessage {
  readonly type?: string;
  readonly id?: string;
  readonly payload?: { readonly data?: { readonly message?: { readonly stamp?: unknown } | null } };
}

/**
 * This adapter speaks GraphQL over WebSocket, the protocol `graphql-transport-ws` of the package graphql-ws. A client
 * says `connection_init` (with what `prepare` gave as its payload), subscribes to its room once that is acknowledged,
 * and has joined with the answer to the ping that it sends behind the subscription. It publishes by a mutation. The
 * schema that it speaks to:
 *
 * `type Message { stamp: String!, payload: String }`, `type Subscription { message(room: String!): Message }`, `type
 * Mutation { publish(room: String!, stamp: String!, payload: String): Boolean }`
 */
export const graphqlWs: Adapter = {
  path: () => '',
  subprotocols: ['graphql-transport-ws'],
  join: ({ prepared }) => [JSON.stringify({ type: 'connection_init', payload: prepared as unknown })],
  isJoined: (frame) => read(frame).type === 'pong',
  reply(frame, { room }) {
    const { type } = read(frame);
    if (type === 'ping') return [JSON.stringify({ type: 'pong' })];
    if (type !== 'connection_ack') return undefined;
    const query = 'subscription ($room: String!) { message(room: $room) { stamp } }';
    const subscribe = { id: 'room', type: 'subscribe', payload: { query, variables: { room } } };
    return [JSON.stringify(subscribe), JSON.stringify({ type: 'ping' })];
  },
  publish(stamp, payload, { room }) {
    const query =
      'mutation ($room: String!, $stamp: String!, $payload: String) { publish(room: $room, stamp: $stamp, payload: $payload) }';
    const text = payload === undefined || typeof payload === 'string' ? payload : JSON.stringify(payload);
    // An operation needs an id of its own, and the stamp is one.
    return JSON.stringify({
      id: stamp,
      type: 'subscribe',
      payload: { query, variables: { room, stamp, payload: text } },
    });
  },
  stampOf(frame) {
    const { type, id, payload } = read(frame);
    const stamp = type === 'next' && id === 'room' ? payload?.data?.message?.stamp : undefined;
    return typeof stamp === 'string' ? stamp : undefined;
  },
  kindOf: (frame) => read(frame).type ?? 'other',
};

function read(frame: string | Uint8Array): GraphqlMessage {
  const value: unknown = JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString());
  return typeof value === 'object' && value !== null ? value : {};
}
