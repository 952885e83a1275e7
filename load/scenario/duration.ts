/** Milliseconds as a number, or a number with its unit: `'250ms'`, `'10s'`, `'5m'`, `'1h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`;

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a duration; `undefined` for what is none: another unit, a negative, infinite or empty number.
 * The caller knows which key it stood under, so the caller words the error.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)$/.exec(value.trim());
  if (match === null) return undefined;
  return Number(match[1]) * (msPerUnit[match[2] as string] as number);
}

/** Milliseconds of a duration that has been validated. */
export function durationMs(value: Duration): number {
  const ms = parseDuration(value);
  if (ms === undefined)
    throw new RangeError(`${JSON.stringify(value)} is no duration: write 250, '250ms', '10s', '5m' or '1h'`);
  return ms;
}
