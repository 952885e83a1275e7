import { ChannelBoxError } from '../errors.ts';

/** A duration is milliseconds as a number, or a number with its unit: `'250ms'`, `'10s'`, `'5m'`, `'1h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads milliseconds from a duration; gives `undefined` for what is none: another unit, a negative, infinite or empty number.
 * For a caller that words its own error, since it knows which key the value stood under.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)$/.exec(value.trim());
  if (match === null) return undefined;
  return Number(match[1]) * (msPerUnit[match[2] as string] as number);
}

/** @throws {ChannelBoxError} `CHANNELBOX_DURATION` for what is none */
export function durationMs(duration: Duration): number {
  const ms = parseDuration(duration);
  if (ms !== undefined) return ms;
  const came = typeof duration === 'string' ? JSON.stringify(duration) : String(duration);
  throw new ChannelBoxError(
    'CHANNELBOX_DURATION',
    `a duration is ${came}; allowed are milliseconds from 0 on, or '250ms', '10s', '5m', '1h'`,
  );
}
