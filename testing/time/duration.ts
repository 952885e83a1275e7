import { ChannelBoxError } from '../../src/index.ts';

/** Milliseconds, or a number with its unit. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** @throws {ChannelBoxError} `CHANNELBOX_DURATION` */
export function durationMs(duration: Duration): number {
  const ms = typeof duration === 'number' ? duration : parsed(duration);
  if (ms >= 0 && ms !== Infinity) return ms;
  throw new ChannelBoxError(
    'CHANNELBOX_DURATION',
    `a duration is ${String(duration)}; allowed are milliseconds from 0 on, or '250ms', '10s', '5m', '1h'`,
  );
}

function parsed(duration: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration) ?? [];
  return amount === undefined ? NaN : Number(amount) * unitMs[unit as keyof typeof unitMs];
}
