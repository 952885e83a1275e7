import { ChannelBoxError, isA, messageOf } from '../errors.ts';
import type { Logger } from '../api.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

type Write = (...given: unknown[]) => unknown;

/**
 * An app's logger is brought into the shape that we call, `(message, fields)`. `console` and whatever is like it is
 * taken as it is; loggers of pino's and bunyan's shape, `(fields, message)`, which `fastify.log` is one of, are turned
 * round, with the error under `err`, where they look for it; winston writes out no error, so it gets the stack as
 * text.
 * @throws {ChannelBoxError} `CHANNELBOX_LOGGER` for what lacks one of the four levels
 */
export function loggerFrom(given: unknown): Logger {
  const missing = levels.filter((level) => !isCallable(given, level));
  if (missing.length > 0) {
    throw new ChannelBoxError(
      'CHANNELBOX_LOGGER',
      `the logger lacks ${missing.join(', ')}; allowed is what has debug, info, warn and error as (message, fields), such as console, or pino's logger, or fastify.log`,
    );
  }
  if (isFieldsFirst(given)) return turned(given as Record<string, Write>);
  if (isWinston(given)) return withStacks(given as Logger);
  return given as Logger;
}

/** pino has `bindings`; bunyan, and what Fastify puts in its place, have `fatal` and `trace` beside `child`. */
function isFieldsFirst(given: unknown): boolean {
  const isChildBearing = isCallable(given, 'child');
  return (
    isChildBearing && (isCallable(given, 'bindings') || (isCallable(given, 'fatal') && isCallable(given, 'trace')))
  );
}

function isWinston(given: unknown): boolean {
  return isCallable(given, 'child') && isCallable(given, 'configure') && typeof given === 'object';
}

function turned(logger: Record<string, Write>): Logger {
  const write =
    (level: (typeof levels)[number]) =>
    (message: string, fields?: object): unknown => {
      const { error, ...rest } = (fields ?? {}) as { error?: unknown };
      const shown = isA(error, Error) ? { ...rest, err: error } : { ...fields };
      return logger[level]?.(shown, message);
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function withStacks(logger: Logger): Logger {
  const write =
    (level: (typeof levels)[number]) =>
    (message: string, fields?: object): unknown => {
      const { error } = (fields ?? {}) as { error?: unknown };
      if (!isA(error, Error)) return logger[level](message, fields);
      return logger[level](message, { ...fields, error: messageOf(error), stack: error.stack });
    };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function isCallable(given: unknown, name: string): boolean {
  try {
    return typeof (given as Record<string, unknown>)[name] === 'function';
  } catch {
    return false;
  }
}
