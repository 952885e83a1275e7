import { ChannelBoxError } from '../../src/index.ts';
import { checkCloseCode } from '../../src/internal.ts';

/** What a close frame leaves for its reason: 125 bytes of a control frame without two of the code (RFC 6455 §5.5). */
const reasonBytesMax = 123;

/**
 * Refuses what no close frame can carry, the same whatever it would travel over.
 * @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE` for a code that no endpoint may send (RFC 6455 §7.4.2),
 * `CHANNELBOX_CLOSE_REASON` for a reason that is no text, stands without a code or has more than 123 bytes in UTF-8
 */
export function checkCloseFrame(code: number | undefined, reason: string): void {
  if (code !== undefined) checkCloseCode(code);
  if (typeof reason !== 'string') {
    const came = reason === null ? 'null' : typeof reason;
    throw new ChannelBoxError('CHANNELBOX_CLOSE_REASON', `as a close reason ${came} came; allowed is a string`);
  }
  if (code === undefined && reason !== '') {
    throw new ChannelBoxError(
      'CHANNELBOX_CLOSE_REASON',
      'a close reason came without a code; a close frame holds it behind one, so give it, such as 1000',
    );
  }
  const bytes = Buffer.byteLength(reason);
  if (bytes <= reasonBytesMax) return;
  throw new ChannelBoxError(
    'CHANNELBOX_CLOSE_REASON',
    `a close reason of ${bytes} bytes came; at most ${reasonBytesMax} bytes of UTF-8 fit a close frame, so shorten it`,
  );
}
