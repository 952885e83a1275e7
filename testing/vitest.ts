/**
 * @module channelbox/testing/vitest: these are matchers for vitest's `expect`. One import sets them up, types
 * included: `import 'channelbox/testing/vitest'` in a test, or the module's name under `test.setupFiles`.
 *
 * Each returns a promise: await it. `.not` means "settled without it": everything has come to rest, and it was not
 * there.
 */
import type { Absence } from './vitest/absence.ts';
import type { Closed, TestClient } from './client/client.ts';
import { toBeDeniedWith, type DeniedExpectation } from './vitest/denied.ts';
import {
  settledTranscript,
  toBeClosedWith,
  toHaveMembers,
  toMatchTranscript,
  toReceive,
  toReceiveInOrder,
  type MatcherContext,
  type MatcherResult,
} from './vitest/expectation.ts';
import type { Match } from './client/matchers.ts';
import { peer } from '../src/internal.ts';

export type { Absence, DeniedExpectation };

/** On `expect(client)`, `expect(t)` and `expect(t.handshake(…))`. */
export interface ChannelBoxMatchers {
  /**
   * The next frame matches, as `client.expect` has it; without a match: a frame comes.
   * `.not`: when all has come to rest, `within` later, no unread frame matches. It reads none.
   */
  toReceive(match?: Match, wait?: Absence): Promise<void>;
  /** The next frames match, one each, in this order. `.not`: at rest they stand nowhere among the unread, one behind the other. */
  toReceiveInOrder(matches: readonly Match[], wait?: Absence): Promise<void>;
  /** By a code, a code and a reason, or `{ code, reason, wasClean }`. `.not`: at rest it is open, or closed otherwise. */
  toBeClosedWith(code?: number, reason?: string, wait?: Absence): Promise<void>;
  toBeClosedWith(expected?: number | Partial<Closed>, wait?: Absence): Promise<void>;
  /** For `expect(t.handshake(path))` or `expect(t.connect(path))`. `.not`: it was accepted, or denied otherwise. */
  toBeDeniedWith(expected?: number | DeniedExpectation, more?: DeniedExpectation): Promise<void>;
  /**
   * For `expect(t)`, an `App` or a `ChannelBox`: so many are in the group; without a number: any.
   * For `expect(t)` also who: clients of the test, or their names, and nobody else.
   */
  toHaveMembers(group: string, expected?: number | readonly (TestClient | string)[]): Promise<void>;
  /** At rest the client's transcript is this text, indentation aside; without one: as the snapshot has it. */
  toMatchTranscript(expected?: string | RegExp, wait?: Absence): Promise<void>;
}

declare module 'vitest' {
  // oxlint-disable-next-line typescript/no-explicit-any -- as vitest declares it
  interface Matchers<T = any> extends ChannelBoxMatchers {}
}

const vitest = await peer('vitest', 'channelbox/testing/vitest', () => import('vitest'));

async function matchTranscript(
  this: MatcherContext,
  received: unknown,
  ...given: readonly unknown[]
): Promise<MatcherResult> {
  if (given[0] !== undefined) return toMatchTranscript.call(this, received, ...(given as readonly [string]));
  const text = await settledTranscript(received);
  if (vitest.Snapshots === undefined) {
    throw new Error('toMatchTranscript() without a text keeps a snapshot, which needs vitest 4.1; hand it the text');
  }
  return vitest.Snapshots.toMatchSnapshot.call(this as never, text) as MatcherResult;
}

vitest.expect.extend({
  toReceive,
  toReceiveInOrder,
  toBeClosedWith,
  toBeDeniedWith,
  toHaveMembers,
  toMatchTranscript: matchTranscript,
} as never);
