import { ChannelBoxError, HandshakeError } from '../../src/index.ts';
import { passed, wrongArgument, type MatcherContext, type MatcherResult } from './expectation.ts';
import { diffOf } from '../client/failure.ts';
import type { Denied, Handshake } from '../target/handshake.ts';
import { areEqual, show } from '../client/matchers.ts';

/** What a denial must be; what is left out is of no matter. */
export interface DeniedExpectation {
  status?: number;
  /** The whole body, or a pattern of it. */
  body?: string | RegExp;
  headers?: Readonly<Record<string, string>>;
  by?: Denied['by'];
  code?: number;
  error?: unknown;
}

/** The handshake was denied so; for `t.handshake(…)`, awaited or not, and for `t.connect(…)`, not awaited. */
export async function toBeDeniedWith(
  this: MatcherContext,
  received: unknown,
  expected: number | DeniedExpectation = {},
  more: DeniedExpectation = {},
): Promise<MatcherResult> {
  if (typeof expected !== 'number' && (typeof expected !== 'object' || expected === null)) {
    throw wrongArgument('toBeDeniedWith', 'a status or { status, body, by, … }', expected);
  }
  const wanted = { ...(typeof expected === 'number' ? { status: expected } : expected), ...more };
  const handshake = await answerOf(received);
  const say = `expect(handshake).${this.isNot ? 'not.' : ''}toBeDeniedWith: `;
  if (handshake.kind === 'accepted') {
    return { pass: false, message: () => `${say}it was accepted, as ${handshake.client.name}` };
  }
  const actual = aspectsOf(handshake, wanted);
  const pass = Object.entries(wanted).every(([key, value]) => isAsWanted(actual[key], value));
  if (pass) return { ...passed, message: () => `${say}it was denied so: ${summaryOf(handshake)}` };
  const message = `${say}it was denied otherwise: ${summaryOf(handshake)}\n${diffOf(plain(wanted), actual)}`;
  return { pass, message: () => message, actual, expected: wanted };
}

async function answerOf(received: unknown): Promise<Handshake> {
  let answer: unknown;
  try {
    answer = await received;
  } catch (error) {
    if (!(error instanceof HandshakeError) || error.code !== 'CHANNELBOX_NOT_ACCEPTED') throw error;
    answer = error.cause;
  }
  const { kind, transcript } = (answer ?? {}) as { readonly kind?: unknown; readonly transcript?: unknown };
  if (kind === 'accepted' || kind === 'denied') return answer as Handshake;
  if (transcript !== undefined) return { kind: 'accepted', client: answer as never };
  throw new ChannelBoxError(
    'CHANNELBOX_MATCHER_ARGUMENT',
    `expect(…).toBeDeniedWith is for what t.handshake(…) or t.connect(…) returns, ${typeof answer} came`,
  );
}

function aspectsOf(denied: Denied, wanted: DeniedExpectation): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(wanted).map((key) => {
      if (key !== 'headers') return [key, denied[key as keyof Denied]];
      const names = Object.keys(wanted.headers ?? {});
      return [key, Object.fromEntries(names.map((name) => [name, denied.headers.get(name) ?? undefined]))];
    }),
  );
}

function isAsWanted(actual: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (wanted instanceof RegExp) return typeof actual === 'string' && wanted.test(actual);
  if (wanted instanceof Error) return actual instanceof Error && actual.message === wanted.message;
  return areEqual(actual, wanted);
}

function plain(wanted: DeniedExpectation): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => [key, value instanceof RegExp ? String(value) : (value as unknown)]),
  );
}

function summaryOf({ status, by, code, body }: Denied): string {
  const who = by === undefined ? '' : ` by ${by}${code === undefined ? '' : ` (${code})`}`;
  return `${status}${who}${body === '' ? '' : `, ${show(body.slice(0, 200))}`}`;
}
