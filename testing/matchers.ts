import { isDeepStrictEqual } from 'node:util';
import type { Message, StandardSchemaV1 } from '../src/index.ts';

/** What a frame may be compared with; `channelbox/testing`'s index has the meaning of each. */
export type Match =
  | StandardSchemaV1<any, any>
  | ((frame: any) => boolean)
  | RegExp
  | { asymmetricMatch(other: unknown): boolean }
  | string
  | number
  | boolean
  | null
  | object;

export type Verdict =
  | { readonly isMatch: true; readonly value: unknown }
  | { readonly isMatch: false; readonly why: string };

/** The frame's JSON where it parses, else its text; of a binary frame its bytes. */
export function valueOf(message: Message): unknown {
  if (message.type === 'bytes') return message.data;
  try {
    return JSON.parse(message.data) as unknown;
  } catch {
    return message.data;
  }
}

/** Whether a frame matches; a schema may answer later. */
export function matchFrame(message: Message, match: unknown): Verdict | Promise<Verdict> {
  if (isSchema(match)) return matchSchema(match, valueOf(message));
  if (match instanceof RegExp) return matchRegExp(message, match);
  if (typeof match === 'function') return matchPredicate(message, match as (frame: unknown) => unknown);
  if (typeof match === 'string') return matchText(message, match);
  if (match instanceof Uint8Array) return matchBytes(message, match);
  if (isAsymmetric(match)) {
    const value = valueOf(message);
    return match.asymmetricMatch(value) ? yes(value) : no(`it is not ${describeMatch(match)}`);
  }
  if (message.type === 'bytes') return no('it is a binary frame, a value is compared with JSON');
  const value = jsonOf(message.data);
  if (value === undefined) return no('it is no JSON');
  return areEqual(value, match) ? yes(value) : no('it differs');
}

export function isSchema(match: unknown): match is StandardSchemaV1<unknown, unknown> {
  return (typeof match === 'object' || typeof match === 'function') && match !== null && '~standard' in match;
}

export function isAsymmetric(match: unknown): match is { asymmetricMatch(other: unknown): boolean } {
  return typeof (match as { asymmetricMatch?: unknown } | null | undefined)?.asymmetricMatch === 'function';
}

/** Equal as `toEqual` has it: what is undefined need not be there; asymmetric matchers may stand anywhere inside. */
export function areEqual(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((each, at) => areEqual(actual[at], each))
    );
  }
  if (!isPlain(expected) || !isPlain(actual)) return isDeepStrictEqual(actual, expected);
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...keys].every((key) => areEqual(actual[key], expected[key]));
}

/** A match in words, for a message. */
export function describeMatch(match: unknown): string {
  if (isSchema(match)) return `a value of the schema (${match['~standard'].vendor})`;
  if (typeof match === 'function')
    return `what ${match.name === '' ? match.toString().slice(0, 80) : match.name} accepts`;
  if (match instanceof RegExp) return `text that matches ${match}`;
  if (isAsymmetric(match)) {
    const text = (match as { toAsymmetricMatcher?: () => string }).toAsymmetricMatcher?.();
    return text ?? 'what the asymmetric matcher accepts';
  }
  return show(match);
}

/** A value as a line of text. */
export function show(value: unknown): string {
  if (value instanceof Uint8Array) {
    const head = Buffer.from(value.subarray(0, 16)).toString('hex');
    return `<${value.byteLength} bytes ${head}${value.byteLength > 16 ? '…' : ''}>`;
  }
  if (isAsymmetric(value)) return describeMatch(value);
  if (Array.isArray(value)) return `[${value.map(show).join(',')}]`;
  if (isPlain(value)) {
    return `{${Object.entries(value)
      .map(([key, each]) => `${JSON.stringify(key)}:${show(each)}`)
      .join(',')}}`;
  }
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

function matchSchema(schema: StandardSchemaV1<unknown, unknown>, value: unknown): Verdict | Promise<Verdict> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(verdictOf) : verdictOf(result);
}

function verdictOf(result: {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string }[] | undefined;
}): Verdict {
  if (result.issues === undefined) return yes(result.value);
  return no(`the schema refuses it: ${result.issues.map((issue) => issue.message).join('; ')}`);
}

function matchRegExp(message: Message, match: RegExp): Verdict {
  if (message.type === 'bytes') return no('it is a binary frame, a RegExp is for text');
  match.lastIndex = 0;
  return match.test(message.data) ? yes(message.data) : no(`its text does not match ${match}`);
}

function matchPredicate(message: Message, match: (frame: unknown) => unknown): Verdict {
  const value = valueOf(message);
  return match(value) ? yes(value) : no(`${describeMatch(match)} is false for it`);
}

function matchText(message: Message, match: string): Verdict {
  if (message.type === 'bytes') return no('it is a binary frame, a string is compared with text');
  return message.data === match ? yes(match) : no('its text differs');
}

function matchBytes(message: Message, match: Uint8Array): Verdict {
  if (message.type === 'text') return no('it is a text frame, bytes are compared with a binary one');
  return Buffer.compare(message.data, match) === 0 ? yes(message.data) : no('its bytes differ');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

function yes(value: unknown): Verdict {
  return { isMatch: true, value };
}

function no(why: string): Verdict {
  return { isMatch: false, why };
}
