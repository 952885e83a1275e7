import { performance } from 'node:perf_hooks';
import type { Escaped, Escapes } from './escape.ts';
import type { Patches } from './patches.ts';

const RealDate = globalThis.Date;
const epochMs = RealDate.UTC(2025, 0, 1);

function wallMs({ node, world }: Escaped): number {
  return node === undefined ? epochMs + world.nowMs : node.clock.now();
}

/** These doors are everything that reads a clock. */
export function guardDates(patches: Patches, escapes: Escapes): void {
  patches.replace(RealDate, 'now', (original: () => number) => {
    const now = function now(): number {
      const escaped = escapes('Date.now', now);
      return escaped === undefined ? original() : wallMs(escaped);
    };
    return now;
  });
  patches.replace(globalThis, 'Date', () => guardedDate(escapes));
  patches.replace(performance, 'now', (original: () => number) => {
    const now = function now(): number {
      const escaped = escapes('performance.now', now);
      return escaped === undefined ? original.call(performance) : escaped.world.nowMs;
    };
    return now;
  });
  guardHrtime(patches, escapes);
  guardFormats(patches, escapes);
}

function guardedDate(escapes: Escapes): DateConstructor {
  const handler: ProxyHandler<DateConstructor> = {
    construct(target, args: unknown[], newTarget): object {
      if (args.length === 0) {
        const escaped = escapes('new Date', handler.construct as () => unknown);
        if (escaped !== undefined) return Reflect.construct(target, [wallMs(escaped)], newTarget) as object;
      }
      return Reflect.construct(target, args, newTarget) as object;
    },
    apply(target): string {
      const escaped = escapes('Date', handler.apply as () => unknown);
      return escaped === undefined ? target() : new target(wallMs(escaped)).toString();
    },
  };
  return new Proxy(RealDate, handler);
}

function guardHrtime(patches: Patches, escapes: Escapes): void {
  patches.replace(process, 'hrtime', (original: NodeJS.HRTime) => {
    const hrtime = function hrtime(since?: [number, number]): [number, number] {
      const escaped = escapes('process.hrtime', hrtime);
      if (escaped === undefined) return original(since);
      const ms = escaped.world.nowMs - (since === undefined ? 0 : since[0] * 1_000 + since[1] / 1e6);
      return [Math.floor(ms / 1_000), (ms % 1_000) * 1e6];
    };
    const bigint = function bigint(): bigint {
      const escaped = escapes('process.hrtime.bigint', bigint);
      return escaped === undefined ? original.bigint() : BigInt(escaped.world.nowMs) * 1_000_000n;
    };
    return Object.assign(hrtime, { bigint });
  });
}

/** A format without a date is the format of now. */
function guardFormats(patches: Patches, escapes: Escapes): void {
  const { prototype } = Intl.DateTimeFormat;
  const getter = Object.getOwnPropertyDescriptor(prototype, 'format')?.get;
  if (getter !== undefined) {
    patches.define(prototype, 'format', {
      configurable: true,
      get(this: Intl.DateTimeFormat) {
        const original = getter.call(this) as (date?: Date | number) => string;
        const format = (date?: Date | number): string => {
          const escaped = date === undefined ? escapes('Intl.DateTimeFormat.format', format) : undefined;
          return original(escaped === undefined ? date : wallMs(escaped));
        };
        return format;
      },
    });
  }
  patches.replace(prototype, 'formatToParts', (original: Intl.DateTimeFormat['formatToParts']) => {
    const formatToParts = function (this: Intl.DateTimeFormat, date?: Date | number): Intl.DateTimeFormatPart[] {
      const escaped = date === undefined ? escapes('Intl.DateTimeFormat.formatToParts', formatToParts) : undefined;
      return original.call(this, escaped === undefined ? date : wallMs(escaped));
    };
    return formatToParts;
  });
}
