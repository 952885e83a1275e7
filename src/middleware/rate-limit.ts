import { LimitError } from '../errors.ts';
import type { Middleware } from '../api.ts';
import { closeCode } from '../protocol/close-code.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';

/** How much one socket may send. */
export interface RateLimitOptions {
  /** Frames that a socket may send … */
  messages: number;
  /** … in this time, on average; default 1 000. */
  perMs?: number;
  /** Frames at once after a pause; default `messages`. */
  burst?: number;
}

/**
 * Bounds how fast one socket may send: a token bucket on the app's clock. Past it the socket closes with 1008.
 * Several on one connection all hold.
 * @throws {LimitError} `CHANNELBOX_RATE_LIMIT` for a bound that is no number above 0
 */
export function rateLimit(options: RateLimitOptions): Middleware {
  const { messages, perMs = 1000, burst = messages } = options;
  for (const [name, value] of Object.entries({ messages, perMs, burst })) {
    if (typeof value === 'number' && value > 0) continue;
    throw new LimitError('CHANNELBOX_RATE_LIMIT', `${name} is ${String(value)}; allowed is a number above 0`);
  }
  return (ws, next) => {
    const { clock } = ws.app;
    let tokens = burst;
    let filledMs = clock.monotonic();
    const outer = (ws as ServerWebSocket).guard;
    (ws as ServerWebSocket).guard = () => {
      if (outer?.() === false) return false;
      const nowMs = clock.monotonic();
      tokens = Math.min(burst, tokens + ((nowMs - filledMs) / perMs) * messages);
      filledMs = nowMs;
      if (tokens >= 1) {
        tokens -= 1;
        return true;
      }
      void ws.close(closeCode.policyViolation, `more than ${messages} messages in ${perMs} ms`);
      return false;
    };
    return next();
  };
}
