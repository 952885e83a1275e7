import { ChannelBox, ChannelBoxError, App } from '../../src/index.ts';
import { findSequence, findUnread, restOf, type Absence } from './absence.ts';
import type { Closed } from '../client/client.ts';
import { originOf } from '../time/clock.ts';
import { diffOf, TestFailure } from '../client/failure.ts';
import { LinkClient, type TestHost } from '../client/link-client.ts';
import { describeMatch, show } from '../client/matchers.ts';
import { Deferred } from '../time/observed-promise.ts';
import { Target } from '../target/target.ts';

/** What a runner's `expect.extend` takes as an answer. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/** What a runner tells a matcher. */
export interface MatcherContext {
  readonly isNot?: boolean;
}

export const passed: MatcherResult = { pass: true, message: () => 'it passed' };

/** The next frame matches. Negated: at rest no unread frame does. */
export async function toReceive(
  this: MatcherContext,
  received: unknown,
  ...given: readonly [match?: unknown, wait?: Absence]
): Promise<MatcherResult> {
  const client = clientOf(received, 'toReceive');
  const [match, wait = {}] = given;
  if (this.isNot) {
    await restOf(client, `expect(${client.name}).not.toReceive`, wait, originOf(toReceive));
    const found = given.length === 0 ? firstOf(client) : await findUnread(client, match);
    return absence(client, `not.toReceive(${given.length === 0 ? '' : describeMatch(match)})`, found);
  }
  return verdictOf(client, 'toReceive', () => (given.length === 0 ? client.receive(wait) : client.expect(match, wait)));
}

/** The next frames match, one each, in this order. Negated: at rest they stand nowhere among the unread ones. */
export async function toReceiveInOrder(
  this: MatcherContext,
  received: unknown,
  matches: readonly never[],
  wait: Absence = {},
): Promise<MatcherResult> {
  const client = clientOf(received, 'toReceiveInOrder');
  if (!Array.isArray(matches)) throw wrongArgument('toReceiveInOrder', 'a list of matches', matches);
  if (this.isNot) {
    await restOf(client, `expect(${client.name}).not.toReceiveInOrder`, wait, originOf(toReceiveInOrder));
    return absence(client, 'not.toReceiveInOrder', await findSequence(client, matches));
  }
  return verdictOf(client, 'toReceiveInOrder', () => client.expectSequence(matches, wait));
}

/** It closes so. Negated: at rest it is open, or closed otherwise. */
export async function toBeClosedWith(
  this: MatcherContext,
  received: unknown,
  expected: number | Partial<Closed> = {},
  ...given: readonly [reason?: string | Absence, wait?: Absence]
): Promise<MatcherResult> {
  const client = clientOf(received, 'toBeClosedWith');
  const reason = typeof given[0] === 'string' ? { reason: given[0] } : {};
  const wait = (typeof given[0] === 'object' ? given[0] : given[1]) ?? {};
  const wanted = { ...(typeof expected === 'number' ? { code: expected } : expected), ...reason };
  if (!this.isNot) return verdictOf(client, 'toBeClosedWith', () => client.expectClosed(wanted, wait));
  await restOf(client, `expect(${client.name}).not.toBeClosedWith`, wait, originOf(toBeClosedWith));
  const { closed } = client;
  const isSo =
    closed !== undefined &&
    Object.entries(wanted).every(([key, value]) => value === undefined || closed[key as keyof Closed] === value);
  return absence(client, `not.toBeClosedWith(${show(wanted)})`, isSo ? `it is closed: ${client.ending}` : undefined);
}

/** At rest, what this client saw and did is this text; indentation around it is of no matter. */
export async function toMatchTranscript(
  this: MatcherContext,
  received: unknown,
  ...given: readonly [expected: string | RegExp, wait?: Absence]
): Promise<MatcherResult> {
  const client = clientOf(received, 'toMatchTranscript');
  const [expected, wait = {}] = given;
  await restOf(client, `expect(${client.name}).toMatchTranscript`, wait, originOf(toMatchTranscript));
  const actual = String(client.transcript);
  const wanted = typeof expected === 'string' ? withoutIndent(expected) : expected;
  const pass = typeof wanted === 'string' ? actual === wanted : wanted.test(actual);
  if (pass !== (this.isNot === true)) return pass ? passed : { pass, message: () => '' };
  const say = `expect(${client.name}).${this.isNot ? 'not.' : ''}toMatchTranscript: `;
  const text =
    typeof wanted === 'string' && !pass
      ? `${say}the transcript differs\n${diffOf(wanted, actual)}`
      : `${say}the transcript ${pass ? 'matches' : 'does not match'} ${typeof wanted === 'string' ? 'it' : String(wanted)}\n${actual}`;
  return failed(client.host, { pass, message: text, actual, expected: wanted });
}

/** Everything has come to rest, and the text can be kept as a snapshot. */
export async function settledTranscript(received: unknown): Promise<string> {
  const client = clientOf(received, 'toMatchTranscript');
  await restOf(client, `expect(${client.name}).toMatchTranscript`, {}, originOf(settledTranscript));
  return String(client.transcript);
}

/** So many, or exactly these, are in a group; an app under test comes to rest first. */
export async function toHaveMembers(
  this: MatcherContext,
  received: unknown,
  group: string,
  expected?: number | readonly (string | { readonly name: string })[],
): Promise<MatcherResult> {
  const target = received instanceof Target ? received : undefined;
  const box = boxOf(received);
  if (typeof group !== 'string') throw wrongArgument('toHaveMembers', 'the name of a group', group);
  await (target as { settle?: () => Promise<void> } | undefined)?.settle?.();
  const { length: count } = await box.members(group);
  const names = target === undefined ? undefined : namesIn(target, group);
  if (typeof expected === 'object' && names === undefined) {
    throw wrongArgument('toHaveMembers', 'a number, or names where what is tested is a testApp(…)', expected);
  }
  const wanted = typeof expected === 'object' ? expected.map(nameOf).toSorted(inOrder) : expected;
  const pass =
    typeof wanted === 'object'
      ? count === wanted.length && show(names) === show(wanted)
      : wanted === undefined
        ? count > 0
        : count === wanted;
  if (pass !== (this.isNot === true)) return pass ? passed : { pass, message: () => '' };
  const others = count - (names?.length ?? 0);
  const who = [...(names ?? []), ...(others > 0 && names !== undefined ? [`${others} not of this test`] : [])];
  const there = `${count} ${count === 1 ? 'member' : 'members'}${who.length === 0 ? '' : ` (${who.join(', ')})`}`;
  const due = wanted === undefined ? 'any' : typeof wanted === 'number' ? String(wanted) : wanted.join(', ') || 'none';
  const message = `toHaveMembers: group ${JSON.stringify(group)} has ${there}, expected was ${this.isNot ? 'not ' : ''}${due}`;
  const values = typeof wanted === 'object' ? { actual: names, expected: wanted } : { actual: count, expected: wanted };
  return target === undefined
    ? { pass, message: () => message, ...values }
    : failed(target, { pass, message, ...values });
}

/** The failure of a call of the client's becomes the matcher's. */
async function verdictOf(client: LinkClient, matcher: string, call: () => Promise<unknown>): Promise<MatcherResult> {
  try {
    await call();
    return passed;
  } catch (error) {
    if (!(error instanceof TestFailure)) throw error;
    const message = error.message.replace(`${client.name}.${error.operator}: `, `expect(${client.name}).${matcher}: `);
    const values = error.showDiff ? { actual: error.actual, expected: error.expected } : {};
    return { pass: false, message: () => message, ...values };
  }
}

/** Of a negated matcher: what was found is the failure. */
function absence(client: LinkClient, matcher: string, found: string | undefined): MatcherResult {
  if (found === undefined) return { pass: false, message: () => '' };
  return failed(client.host, {
    pass: true,
    message: `expect(${client.name}).${matcher}: ${found}\n\n${client.describe()}`,
  });
}

/** An assertion of the kit has failed: what the test leaves behind is printed then, so that this is what shows. */
export function failed(
  host: Pick<TestHost, 'refusals'>,
  verdict: { pass: boolean; message: string; actual?: unknown; expected?: unknown },
): MatcherResult {
  const { message, ...rest } = verdict;
  const { promise } = new Deferred<unknown>();
  // The runner throws it in the matcher's place: it counts as heard of.
  void promise.then();
  host.refusals.push({ error: new Error(message), promise });
  return { ...rest, message: () => message };
}

export function wrongArgument(matcher: string, wanted: string, came: unknown): ChannelBoxError {
  const what = came instanceof Promise ? 'a promise' : show(came).slice(0, 100);
  return new ChannelBoxError('CHANNELBOX_MATCHER_ARGUMENT', `${matcher} takes ${wanted}, ${what} came`);
}

function clientOf(received: unknown, matcher: string): LinkClient {
  if (received instanceof LinkClient) return received;
  const advice = received instanceof Promise ? '; await the connect() first' : '';
  throw new ChannelBoxError(
    'CHANNELBOX_MATCHER_ARGUMENT',
    `expect(…).${matcher} is for a client of testApp or testUrl, ${received instanceof Promise ? 'a promise' : typeof received} came${advice}`,
  );
}

function boxOf(received: unknown): ChannelBox {
  if (received instanceof ChannelBox) return received;
  const app = received instanceof App ? received : (received as { readonly app?: unknown } | null)?.app;
  if (app instanceof App) return app.channelBox;
  throw new ChannelBoxError(
    'CHANNELBOX_MATCHER_ARGUMENT',
    `expect(…).toHaveMembers is for a testApp(…), an App or a ChannelBox, ${typeof received} came`,
  );
}

function firstOf({ unread, readCount, name }: LinkClient): string | undefined {
  const [frame] = unread;
  return frame === undefined ? undefined : `frame ${readCount + 1} of ${name} is ${show(frame.data)}`;
}

function namesIn({ activity, clients }: Target, group: string): string[] {
  const joined = activity.connections.filter(
    (connection) => connection.isOpen && connection.memberships.includes(group),
  );
  const upgrades = new Set(joined.map((connection) => connection.upgrade));
  return clients
    .filter(({ upgrade }) => upgrade !== undefined && upgrades.has(upgrade))
    .map(nameOf)
    .toSorted(inOrder);
}

function nameOf(member: string | { readonly name: string }): string {
  return typeof member === 'string' ? member : member.name;
}

function inOrder(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function withoutIndent(text: string): string {
  const lines = text
    .replace(/^[ \t]*\n/, '')
    .replace(/\n[ \t]*$/, '')
    .split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const indent = Math.min(...indents, Infinity);
  return lines.map((line) => line.slice(indent === Infinity ? 0 : indent)).join('\n');
}
