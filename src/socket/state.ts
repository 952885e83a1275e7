/** A connection is in one of these states, and each says which calls are legal. */
import { HandshakeError } from '../errors.ts';

/** `pending`: not answered yet. `answering`: an answer is on its way. `closing`: our close frame is out. */
export type SocketState = 'pending' | 'answering' | 'open' | 'closing' | 'closed' | 'denied';

const answered: Readonly<Record<SocketState, string>> = {
  pending: 'is not accepted yet: await ws.accept() first',
  answering: 'is being answered: await ws.accept() first',
  open: 'has been accepted',
  closing: 'has been closed',
  closed: 'is closed',
  denied: 'has been denied, or was not accepted within acceptTimeoutMs (ws.signal aborts then)',
};

/** `accept` and `deny` are legal once. @throws {HandshakeError} `CHANNELBOX_ALREADY_ANSWERED` */
export function checkAnswerable(state: SocketState, step: 'accept' | 'deny'): void {
  if (state === 'pending') return;
  throw new HandshakeError(
    'CHANNELBOX_ALREADY_ANSWERED',
    `${step}() came for a connection that ${answered[state]}; a handshake is answered once`,
  );
}

/** Frames go and come only after `accept`: `CHANNELBOX_NOT_ACCEPTED` before it; undefined where it was accepted. */
export function unaccepted(state: SocketState, step: string): HandshakeError | undefined {
  if (state !== 'pending' && state !== 'answering' && state !== 'denied') return undefined;
  return new HandshakeError('CHANNELBOX_NOT_ACCEPTED', `${step}() came for a connection that ${answered[state]}`);
}
