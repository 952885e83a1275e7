import type { Message } from '../../src/index.ts';
import { describeMatch, isAsymmetric, isSchema, matchFrame, show, valueOf, type MatchResult } from './matchers.ts';
import type { FrameReading, Thrown } from './wait.ts';

/** Remembers what a schema that answers later said of a frame. */
class Matching {
  readonly #verdicts = new Map<string, MatchResult | 'thinking'>();

  /** What throws does not match: the frame stays, and the error is the reason. */
  of(frame: Message, match: unknown, key: string): MatchResult | 'thinking' {
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = judged(frame, match);
    this.#verdicts.set(key, verdict instanceof Promise ? 'thinking' : verdict);
    if (!(verdict instanceof Promise)) return verdict;
    void verdict.then(
      (settled) => this.#verdicts.set(key, settled),
      (error: unknown) => this.#verdicts.set(key, thrown(error)),
    );
    return 'thinking';
  }
}

function judged(frame: Message, match: unknown): MatchResult | Promise<MatchResult> {
  try {
    return matchFrame(frame, match);
  } catch (error) {
    return thrown(error);
  }
}

function thrown(error: unknown): MatchResult {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : show(error);
  return { isMatch: false, why: `the match itself threw ${what}`, error };
}

export function readNext<T>(what: string, convert: (frame: Message) => { value: T } | { why: string }) {
  return (frames: readonly Message[]): FrameReading<T> => {
    const [frame] = frames;
    if (frame === undefined) return { is: 'open', missing: `${what} was expected, none came` };
    const converted = convert(frame);
    if ('value' in converted) return { is: 'done', value: converted.value, taken: 1 };
    return { is: 'wrong', why: converted.why };
  };
}

export function readMatch(match: unknown): (frames: readonly Message[]) => FrameReading<unknown> {
  const matching = new Matching();
  return (frames) => {
    const [frame] = frames;
    if (frame === undefined) return { is: 'open', missing: `${describeMatch(match)} was expected, no frame came` };
    const verdict = matching.of(frame, match, '0');
    if (verdict === 'thinking') return { is: 'thinking' };
    if (verdict.isMatch) return { is: 'done', value: verdict.value, taken: 1 };
    return mismatch(frame, match, verdict, 0);
  };
}

export function readSequence(matches: readonly unknown[]): (frames: readonly Message[]) => FrameReading<unknown[]> {
  const matching = new Matching();
  return (frames) => {
    const values: unknown[] = [];
    for (const [at, match] of matches.entries()) {
      const frame = frames[at];
      if (frame === undefined) {
        return {
          is: 'open',
          missing: `${describeMatch(match)} was expected as frame ${at + 1} of ${matches.length}, ${at} came`,
        };
      }
      const verdict = matching.of(frame, match, String(at));
      if (verdict === 'thinking') return { is: 'thinking' };
      if (!verdict.isMatch) {
        const why = `as ${at + 1} of ${matches.length}, ${verdict.why}`;
        return mismatch(frame, match, { ...verdict, why }, at);
      }
      values.push(verdict.value);
    }
    return { is: 'done', value: values, taken: matches.length };
  };
}

/** The next frames match, one each, in any order: an assignment of frames to matches, found by augmenting paths. */
export function readUnordered(matches: readonly unknown[]): (frames: readonly Message[]) => FrameReading<unknown[]> {
  const matching = new Matching();
  return (frames) => {
    const seen = frames.slice(0, matches.length);
    const verdicts: (MatchResult | 'thinking')[][] = seen.map((frame, at) =>
      matches.map((match, which) => matching.of(frame, match, `${at}/${which}`)),
    );
    if (verdicts.some((row) => row.includes('thinking'))) return { is: 'thinking' };
    const frameOf = new Map<number, number>();
    const leftOver = (): number[] => [...matches.keys()].filter((which) => !frameOf.has(which));
    const inWords = (left: readonly number[]): string => left.map((which) => describeMatch(matches[which])).join(' · ');
    for (const at of seen.keys()) {
      if (assign(at, verdicts as MatchResult[][], frameOf, new Set())) continue;
      const left = leftOver();
      return {
        is: 'wrong',
        at,
        why: `${show(valueOf(seen[at] as Message))} fits none of those still expected: ${inWords(left) || 'none'}`,
        threw: thrownIn(verdicts as MatchResult[][], [...left, ...matches.keys()], at),
      };
    }
    if (seen.length < matches.length) {
      const left = leftOver();
      return {
        is: 'open',
        missing: `${matches.length} frames in any order were expected, ${seen.length} came; missing: ${inWords(left)}`,
        threw: thrownIn(verdicts as MatchResult[][], left),
      };
    }
    const values = matches.map((_, which) => {
      const verdict = (verdicts as MatchResult[][])[frameOf.get(which) as number]?.[which] as MatchResult;
      return verdict.isMatch ? verdict.value : undefined;
    });
    return { is: 'done', value: values, taken: matches.length };
  };
}

/** The first frame that matches; the ones before it are passed over. */
export function readFirst(match: unknown): (frames: readonly Message[]) => FrameReading<unknown> {
  const matching = new Matching();
  // Its client's waits are decided in order: while it is the first, nobody else takes frames.
  let passed = 0;
  let threw: Thrown | undefined;
  return (frames) => {
    for (let at = passed; at < frames.length; at += 1) {
      const verdict = matching.of(frames[at] as Message, match, String(at));
      if (verdict === 'thinking') return { is: 'thinking' };
      if (verdict.isMatch) {
        return {
          is: 'done',
          value: verdict.value,
          taken: at + 1,
          skipped: Array.from({ length: at }, (_, skipped) => skipped),
        };
      }
      if (verdict.error !== undefined) threw = { at, why: verdict.why, error: verdict.error };
      passed = at + 1;
    }
    const count =
      frames.length === 1 ? 'the frame that came does not match' : `none of ${frames.length} frames matches`;
    const looked = frames.length === 0 ? 'no frame came' : count;
    return { is: 'open', missing: `${describeMatch(match)} was waited for, ${looked}`, threw };
  };
}

function assign(at: number, verdicts: MatchResult[][], frameOf: Map<number, number>, tried: Set<number>): boolean {
  for (const [which, verdict] of (verdicts[at] as MatchResult[]).entries()) {
    if (!verdict.isMatch || tried.has(which)) continue;
    tried.add(which);
    const holder = frameOf.get(which);
    if (holder === undefined || assign(holder, verdicts, frameOf, tried)) {
      frameOf.set(which, at);
      return true;
    }
  }
  return false;
}

/** What one of some matches threw, by their order, at one frame before the others: it may be why they do not fit. */
function thrownIn(verdicts: MatchResult[][], which: readonly number[], first = 0): Thrown | undefined {
  for (const at of new Set([first, ...verdicts.keys()])) {
    for (const each of which) {
      const verdict = verdicts[at]?.[each];
      if (verdict?.isMatch !== false || verdict.error === undefined) continue;
      return { at, why: verdict.why, error: verdict.error };
    }
  }
  return undefined;
}

function mismatch(
  frame: Message,
  match: unknown,
  { why, error }: { why: string; error?: unknown },
  at: number,
): FrameReading<never> {
  if (error !== undefined) {
    // One of an assertion library shows its own diff.
    const { actual, expected } = (error ?? {}) as { actual?: unknown; expected?: unknown };
    return { is: 'wrong', why: `${why}\n  received: ${shown(frame, match)}`, at, cause: error, actual, expected };
  }
  const actual = typeof match === 'string' && frame.type === 'text' ? frame.data : valueOf(frame);
  const lines = `${why}\n  expected: ${describeMatch(match)}\n  received: ${shown(frame, match)}`;
  const isComparable =
    !isSchema(match) && !isAsymmetric(match) && typeof match !== 'function' && !(match instanceof RegExp);
  return isComparable ? { is: 'wrong', why: lines, actual, expected: match, at } : { is: 'wrong', why: lines, at };
}

/** What is compared with text is shown as text. */
function shown(frame: Message, match: unknown): string {
  const isText = typeof match === 'string' || match instanceof RegExp;
  return isText && frame.type === 'text' ? JSON.stringify(frame.data) : show(valueOf(frame));
}
