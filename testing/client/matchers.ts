import { isDeepStrictEqual } from 'node:util';
import type { Message, StandardSchemaV1 } from '../../src/index.ts';
import { bytesOf } from '../../src/internal.ts';

/** What a frame may be compared with; `channelbox/testing`'s index has the meaning of each. */
export type Match =
  // oxlint-disable-next-line typescript/no-explicit-any -- schemas of any type
  | StandardSchemaV1<any, any>
  // oxlint-disable-next-line typescript/no-explicit-any -- predicates of any type
  | ((frame: any) => boolean)
  | RegExp
  | { asymmetricMatch(other: unknown): boolean }
  | string
  | number
  | boolean
  | null
  | object;

export type MatchResult =
  | { readonly isMatch: true; readonly value: unknown }
  /** @property error what the match threw */
  | { readonly isMatch: false; readonly why: string; readonly error?: unknown };

/**
 * Schemas, predicates and asymmetric matchers get the frame's JSON where it parses, else its text. Of a binary frame:
 * an object or an array in UTF-8 JSON, else its bytes, for which a digit is a byte and no number.
 */
export function valueOf(message: Message): unknown {
  const json = jsonOf(message);
  if (message.type === 'text') return 'value' in json ? json.value : message.data;
  return 'value' in json && typeof json.value === 'object' && json.value !== null ? json.value : message.data;
}

export function jsonOf<T>(message: Message): { readonly value: T } | { readonly why: string } {
  const text = message.type === 'text' ? message.data : Buffer.from(message.data).toString();
  try {
    return { value: JSON.parse(text) as T };
  } catch {
    return { why: `it is no JSON: ${JSON.stringify(text.slice(0, 200))}` };
  }
}

/** Whether a frame matches; a schema or a predicate may answer later. */
export function matchFrame(message: Message, match: unknown): MatchResult | Promise<MatchResult> {
  if (isSchema(match)) return later(match['~standard'].validate(valueOf(message)), verdictOf);
  if (match instanceof RegExp) return matchRegExp(message, match);
  if (typeof match === 'function') return matchPredicate(message, match as (frame: unknown) => unknown);
  if (typeof match === 'string') return matchText(message, match);
  const bytes = bytesOf(match);
  if (bytes !== undefined) return matchBytes(message, bytes);
  if (isAsymmetric(match)) {
    const value = valueOf(message);
    return match.asymmetricMatch(value) ? yes(value) : no('it is something else');
  }
  const json = jsonOf(message);
  if ('why' in json) return no(message.type === 'bytes' ? 'it is a binary frame, and no JSON' : 'it is no JSON');
  return areEqual(json.value, match) ? yes(json.value) : no('it differs');
}

export function isSchema(match: unknown): match is StandardSchemaV1<unknown, unknown> {
  return (typeof match === 'object' || typeof match === 'function') && match !== null && '~standard' in match;
}

export function isAsymmetric(match: unknown): match is { asymmetricMatch(other: unknown): boolean } {
  return typeof (match as { asymmetricMatch?: unknown } | null | undefined)?.asymmetricMatch === 'function';
}

/**
 * Equal as `toEqual` has it: what is undefined need not be there, of what class an object is does not matter, and
 * asymmetric matchers may stand anywhere inside.
 */
export function areEqual(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((each, at) => areEqual(actual[at], each))
    );
  }
  if (!isRecord(expected) || !isRecord(actual)) return isDeepStrictEqual(actual, expected);
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  return [...keys].every((key) => areEqual(own(actual, key), own(expected, key)));
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
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    const head = Buffer.from(bytes.subarray(0, 16)).toString('hex');
    return `<${bytes.byteLength} bytes ${head}${bytes.byteLength > 16 ? '…' : ''}>`;
  }
  if (isAsymmetric(value)) return describeMatch(value);
  if (Array.isArray(value)) return `[${value.map(show).join(',')}]`;
  if (isRecord(value)) {
    return `{${Object.entries(value)
      .map(([key, each]) => `${JSON.stringify(key)}:${show(each)}`)
      .join(',')}}`;
  }
  return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

function verdictOf(result: {
  readonly value?: unknown;
  readonly issues?: readonly { readonly message: string }[] | undefined;
}): MatchResult {
  if (result.issues === undefined) return yes(result.value);
  return no(`the schema refuses it: ${result.issues.map((issue) => issue.message).join('; ')}`);
}

function matchRegExp(message: Message, match: RegExp): MatchResult {
  if (message.type === 'bytes') return no('it is a binary frame, a RegExp is for text');
  // One with the flag g or y would go on where it ended the last time.
  match.lastIndex = 0;
  const isMatch = match.test(message.data);
  match.lastIndex = 0;
  return isMatch ? yes(message.data) : no('its text does not match');
}

function matchPredicate(message: Message, match: (frame: unknown) => unknown): MatchResult | Promise<MatchResult> {
  const value = valueOf(message);
  return later(match(value), (isMatch) => (isMatch ? yes(value) : no('the predicate is false for it')));
}

function matchText(message: Message, match: string): MatchResult {
  if (message.type === 'bytes') return no('it is a binary frame, a string is compared with text');
  if (message.data === match) return yes(match);
  const isJsonOfIt = message.data === JSON.stringify(match);
  return no(isJsonOfIt ? 'a string is compared with the text as it is, and this is its JSON' : 'its text differs');
}

function matchBytes(message: Message, match: Uint8Array): MatchResult {
  if (message.type === 'text') return no('it is a text frame, bytes are compared with a binary one');
  return Buffer.compare(message.data, match) === 0 ? yes(message.data) : no('its bytes differ');
}

/** An object compared by its own keys. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function own(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function later<T>(result: T | PromiseLike<T>, decide: (result: T) => MatchResult): MatchResult | Promise<MatchResult> {
  return isThenable(result) ? Promise.resolve(result).then(decide) : decide(result);
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function yes(value: unknown): MatchResult {
  return { isMatch: true, value };
}

function no(why: string): MatchResult {
  return { isMatch: false, why };
}
