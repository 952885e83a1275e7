import { isA, LimitError } from '../errors.ts';
import type { Middleware, WebSocket } from '../api.ts';
import { closeCode } from '../protocol/close-code.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { Clock } from '../time/clock.ts';
import { quiet } from '../promise.ts';

/** How much may be sent: messages, bytes or both, in a time. */
export type RateLimitOptions = {
  /** Who shares it: each connection has its own (default), those of one address, or those of one key. */
  per?: 'connection' | 'address' | ((ws: WebSocket) => string);
  /** Messages that may be sent … */
  messages?: number;
  /** … and bytes of them … */
  bytes?: number;
  /** … in this time, on average; default 1 000. */
  perMs?: number;
  /** Messages at once after a pause, and as many times more bytes; default what `perMs` allows. */
  burst?: number;
  /** Past it the socket closes with 1008 (default), the message is lost, or it is read later. */
  onExceed?: 'close' | 'drop' | 'wait';
} & ({ messages: number } | { bytes: number });

/** Buckets of keys that nobody has used for as long as it takes to fill them are let go of beyond so many. */
const bucketsMax = 10_000;

/** What may still be sent, of messages or of bytes: it fills with time, on the app's clock. */
class Bucket {
  readonly #most: number;
  readonly #perMs: number;
  #left: number;
  #filledMs: number;

  constructor(most: number, perMs: number, nowMs: number) {
    this.#most = most;
    this.#perMs = perMs;
    this.#left = most;
    this.#filledMs = nowMs;
  }

  isFull(nowMs: number): boolean {
    return this.#fill(nowMs) >= this.#most;
  }

  /** What is larger than the whole bucket may leave it empty. */
  has(amount: number, nowMs: number): boolean {
    return this.#fill(nowMs) >= Math.min(amount, this.#most);
  }

  take(amount: number): void {
    this.#left -= amount;
  }

  /** Milliseconds until nothing is owed. */
  get owedMs(): number {
    return this.#left >= 0 ? 0 : -this.#left / this.#perMs;
  }

  #fill(nowMs: number): number {
    this.#left = Math.min(this.#most, this.#left + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
    return this.#left;
  }
}

/**
 * Bounds how fast messages may come: token buckets on the app's clock. Several on one connection all hold.
 * @throws {LimitError} `CHANNELBOX_RATE_LIMIT` for a bound that is no number above 0, for none at all, and for another `onExceed`
 */
// oxlint-disable-next-line no-explicit-any -- the path's parameters are no concern of it
export function rateLimit(options: RateLimitOptions): Middleware<any> {
  const { messages, bytes, perMs = 1000, onExceed = 'close', per = 'connection' } = options;
  const { burst = messages ?? 1 } = options;
  check({ messages, bytes, perMs, burst: options.burst }, onExceed);
  const bytesMost = bytes === undefined ? 0 : messages === undefined ? bytes * burst : (bytes * burst) / messages;
  const make = (nowMs: number): Bucket[] => [
    ...(messages === undefined ? [] : [new Bucket(burst, messages / perMs, nowMs)]),
    ...(bytes === undefined ? [] : [new Bucket(bytesMost, bytes / perMs, nowMs)]),
  ];
  const shared = new Map<string, Bucket[]>();
  const bucketsOf = (ws: WebSocket): Bucket[] => {
    const { clock } = ws.app;
    if (per === 'connection') return make(clock.monotonic());
    const key = per === 'address' ? ws.client.host : keyOf(per(ws));
    const buckets = shared.get(key) ?? make(clock.monotonic());
    if (shared.size >= bucketsMax) forgetFull(shared, clock);
    shared.set(key, buckets);
    return buckets;
  };
  const reason = `more than ${messages ?? bytes} ${messages === undefined ? 'bytes' : 'messages'} in ${perMs} ms`;
  return (ws, next) => {
    const { clock } = ws.app;
    const socket = ws as ServerWebSocket;
    const buckets = bucketsOf(ws);
    const outer = socket.guard;
    const guard = (byteLength: number): number => {
      const waitMs = outer?.(byteLength) ?? 0;
      if (waitMs < 0) return waitMs;
      const nowMs = clock.monotonic();
      const amounts = [...(messages === undefined ? [] : [1]), ...(bytes === undefined ? [] : [byteLength])];
      const isWithin = buckets.every((bucket, at) => bucket.has(amounts[at] ?? 0, nowMs));
      if (isWithin || onExceed === 'wait') {
        for (const [at, bucket] of buckets.entries()) bucket.take(amounts[at] ?? 0);
        return isWithin ? waitMs : Math.max(waitMs, ...buckets.map(({ owedMs }) => owedMs));
      }
      if (onExceed === 'close') void socket.close(closeCode.policyViolation, reason);
      return -1;
    };
    socket.guard = guard;
    return next();
  };
}

/** Anything but a text, a promise of one included, would be another key each time: a bound that bounds nobody. */
function keyOf(key: unknown): string {
  if (typeof key === 'string') return key;
  if (isA(key, Promise)) void quiet(key);
  throw new LimitError(
    'CHANNELBOX_RATE_LIMIT',
    `the key that per gave is of type ${typeof key}; allowed is a string, given at once`,
  );
}

function check(numbers: Readonly<Record<string, number | undefined>>, onExceed: string): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined || (typeof value === 'number' && value > 0)) continue;
    throw new LimitError('CHANNELBOX_RATE_LIMIT', `${name} is ${String(value)}; allowed is a number above 0`);
  }
  if (numbers['messages'] === undefined && numbers['bytes'] === undefined) {
    throw new LimitError(
      'CHANNELBOX_RATE_LIMIT',
      'there is neither a number of messages nor of bytes; give one, or both',
    );
  }
  if (onExceed === 'close' || onExceed === 'drop' || onExceed === 'wait') return;
  throw new LimitError('CHANNELBOX_RATE_LIMIT', `onExceed is ${onExceed}; allowed are 'close', 'drop' and 'wait'`);
}

/** A full bucket is the same as a new one. */
function forgetFull(shared: Map<string, Bucket[]>, clock: Clock): void {
  const nowMs = clock.monotonic();
  for (const [key, buckets] of shared) if (buckets.every((bucket) => bucket.isFull(nowMs))) shared.delete(key);
}
