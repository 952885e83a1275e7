import { ChannelBoxError, LayerError, type FrameError, isA } from '../errors.ts';

/** Close codes by name, RFC 6455 §7.4.1; 4401 and 4408 are channelbox's own. */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  none: 1005,
  abnormal: 1006,
  invalidPayload: 1007,
  policyViolation: 1008,
  tooBig: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  signedOut: 4401,
  channelExpired: 4408,
} as const;

/** @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE` for one that no endpoint may send (RFC 6455 §7.4.2) */
export function checkCloseCode(code: number): void {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  if (Number.isInteger(code) && (isDefined || (code >= 3000 && code <= 4999))) return;
  throw new ChannelBoxError(
    'CHANNELBOX_CLOSE_CODE',
    `close code ${code} may not be sent; allowed are 1000–1003, 1007–1014 and, for an app's own meanings, 3000–4999`,
  );
}

/** @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE`, `CHANNELBOX_CLOSE_REASON`, before anyone is closed */
export function checkClose({ code = closeCode.normal, reason = '' }: { code?: number; reason?: string }): void {
  checkCloseCode(code);
  trimReason(reason);
}

const reasonBytesMax = 123;

/**
 * Cuts a reason at 123 bytes (RFC 6455 §5.5), on a character.
 * @throws {ChannelBoxError} `CHANNELBOX_CLOSE_REASON` for what is no text
 */
export function trimReason(reason: string): string {
  if (typeof reason !== 'string') {
    throw new ChannelBoxError('CHANNELBOX_CLOSE_REASON', `a close reason is ${typeof reason}; allowed is a string`);
  }
  if (reason.length * 3 <= reasonBytesMax || Buffer.byteLength(reason) <= reasonBytesMax) return reason;
  const bytes = Buffer.from(reason);
  let end = reasonBytesMax;
  // A continuation byte, 10xxxxxx, cannot start what is cut off.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

/** 1003 for a wrong frame type, 1007 for what cannot be read (RFC 6455 §7.4.1). */
export function invalidCode(error: FrameError): number {
  return error.kind === 'wrong-type' ? closeCode.unsupportedData : closeCode.invalidPayload;
}

/** Of what a handler threw: 1013 where only the layer between the nodes failed, so that clients come back later; else 1011. */
export function failureCode(error: unknown): number {
  return isA(error, LayerError) ? closeCode.tryAgainLater : closeCode.internalError;
}
