import { stampLength } from '../../ledger/stamp.ts';
import type { Adapter } from './adapter.ts';
import { payloadText } from './payload.ts';

/**
 * This adapter is for servers by which all that is sent comes back, to its sender alone. Opens the target's own path
 * and query. A text: the stamp, and after a space the payload. A greeting of the server is no delivery.
 */
export const echo: Adapter = {
  path: () => '',
  reach: 'sender',
  publish: (stamp, payload) => `${stamp}${payloadText(payload)}`,
  stampOf(frame) {
    const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString('latin1');
    const head = text.slice(0, stampLength);
    return looksLikeStamp(head) ? head : undefined;
  },
};

/** A stamp that has been changed must not pass for a greeting: a few strange characters are allowed. */
function looksLikeStamp(text: string): boolean {
  if (text.startsWith('~c')) return true;
  if (text.length < stampLength) return false;
  return (text.match(/[A-Za-z0-9_~-]/g)?.length ?? 0) >= stampLength - 2;
}
