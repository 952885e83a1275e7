import type { Adapter } from './adapter.ts';

/**
 * This adapter speaks in JSON events. A client opens the target's own path, sends `{"type":"join","room":…}` and has
 * joined with `{"type":"joined",…}`. It sends `{"type":"message","room":…,"data":{"stamp":…,"payload":…}}`, and
 * everybody in the room receives an event of type `message` with the same `data`.
 */
export const json: Adapter = {
  path: () => '',
  join: ({ room }) => [JSON.stringify({ type: 'join', room })],
  isJoined: (frame) => parse(frame).type === 'joined',
  publish: (stamp, payload, { room }) => JSON.stringify({ type: 'message', room, data: { stamp, payload } }),
  stampOf(frame) {
    const { type, data } = parse(frame);
    return type === 'message' ? String(data?.stamp) : undefined;
  },
};

function parse(frame: string | Uint8Array): { type?: unknown; data?: { stamp?: unknown } } {
  const value: unknown = JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString());
  return typeof value === 'object' && value !== null ? value : {};
}
