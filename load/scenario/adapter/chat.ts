import { stampLength } from '../../ledger/stamp.ts';
import type { Adapter } from './adapter.ts';
import { payloadText } from './payload.ts';

/**
 * This adapter speaks to the chat server of `examples/chat`, which is the chat room of the Nexios documents.
 *
 * A client opens `/room/<room>?username=client-<index>`. It has joined with the frame `{"type":"history"}`, or with
 * the notice of its own arrival, whichever comes first. It sends `{"type":"message","content":…}` and everybody in the
 * room receives `{"type":"chat","user":…,"message":…}`. The stamp stands at the start of `content`.
 */
export const chat: Adapter = {
  path: ({ room, index }) => `/room/${encodeURIComponent(room)}?username=${nameOf(index)}`,
  isJoined(frame, { index }) {
    const { type, message } = parse(frame);
    return type === 'history' || (type === 'system' && message === `${nameOf(index)} joined the chat`);
  },
  publish: (stamp, payload) => JSON.stringify({ type: 'message', content: `${stamp}${payloadText(payload)}` }),
  stampOf(frame) {
    const { type, user, message } = parse(frame);
    // People who chat in the same room leave no stamps.
    if (type !== 'chat' || typeof user !== 'string' || !/^client-\d+$/.test(user)) return undefined;
    return String(message).slice(0, stampLength);
  },
};

const nameOf = (index: number): string => `client-${index}`;

function parse(frame: string | Uint8Array): { type?: unknown; user?: unknown; message?: unknown } {
  const value: unknown = JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString());
  return typeof value === 'object' && value !== null ? value : {};
}
