import type { Message } from '../src/index.ts';
import { describeMatch, isAsymmetric, isSchema, matchFrame, show, valueOf, type Verdict } from './matchers.ts';
import type { Reading } from './wait.ts';

/** Remembers what a schema that answers later said of a frame. */
export class Matching {
  readonly #verdicts = new Map<string, Verdict | 'thinking'>();
  #failure: { error: unknown } | undefined;

  of(frame: Message, match: unknown, key: string): Verdict | 'thinking' {
    if (this.#failure !== undefined) throw this.#failure.error;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = matchFrame(frame, match);
    if (!(verdict instanceof Promise)) {
      this.#verdicts.set(key, verdict);
      return verdict;
    }
    this.#verdicts.set(key, 'thinking');
    verdict.then(
      (settled) => this.#verdicts.set(key, settled),
      (error: unknown) => {
        this.#failure = { error };
      },
    );
    return 'thinking';
  }
}

export function readNext<T>(what: string, convert: (frame: Message) => { value: T } | { why: string }) {
  return (frames: readonly Message[]): Reading<T> => {
    const [frame] = frames;
    if (frame === undefined) return { is: 'open', missing: `${what} was expected, none came` };
    const converted = convert(frame);
    if ('value' in converted) return { is: 'done', value: converted.value, taken: 1 };
    return { is: 'wrong', why: converted.why };
  };
}

export function readMatch(match: unknown): (frames: readonly Message[]) => Reading<unknown> {
  const matching = new Matching();
  return (frames) => {
    const [frame] = frames;
    if (frame === undefined) return { is: 'open', missing: `${describeMatch(match)} was expected, no frame came` };
    const verdict = matching.of(frame, match, '0');
    if (verdict === 'thinking') return { is: 'thinking' };
    if (verdict.isMatch) return { is: 'done', value: verdict.value, taken: 1 };
    return mismatch(frame, match, verdict.why, 0);
  };
}

export function readSequence(matches: readonly unknown[]): (frames: readonly Message[]) => Reading<unknown[]> {
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
      if (!verdict.isMatch) return mismatch(frame, match, `as ${at + 1} of ${matches.length}, ${verdict.why}`, at);
      values.push(verdict.value);
    }
    return { is: 'done', value: values, taken: matches.length };
  };
}

/** The next frames match, one each, in any order: an assignment of frames to matches, found by augmenting paths. */
export function readUnordered(matches: readonly unknown[]): (frames: readonly Message[]) => Reading<unknown[]> {
  const matching = new Matching();
  return (frames) => {
    const seen = frames.slice(0, matches.length);
    const verdicts: (Verdict | 'thinking')[][] = seen.map((frame, at) =>
      matches.map((match, which) => matching.of(frame, match, `${at}/${which}`)),
    );
    if (verdicts.some((row) => row.includes('thinking'))) return { is: 'thinking' };
    const frameOf = new Map<number, number>();
    for (const at of seen.keys()) {
      if (assign(at, verdicts as Verdict[][], frameOf, new Set())) continue;
      const left = matches.filter((_, which) => !frameOf.has(which)).map(describeMatch);
      return {
        is: 'wrong',
        at,
        why: `${show(valueOf(seen[at] as Message))} fits none of those still expected: ${left.join(' · ') || 'none'}`,
      };
    }
    if (seen.length < matches.length) {
      const left = matches.filter((_, which) => !frameOf.has(which)).map(describeMatch);
      return {
        is: 'open',
        missing: `${matches.length} frames in any order were expected, ${seen.length} came; missing: ${left.join(' · ')}`,
      };
    }
    const values = matches.map((_, which) => {
      const verdict = (verdicts as Verdict[][])[frameOf.get(which) as number]?.[which] as Verdict;
      return verdict.isMatch ? verdict.value : undefined;
    });
    return { is: 'done', value: values, taken: matches.length };
  };
}

/** The first frame that matches; the ones before it are passed over. */
export function readFirst(match: unknown): (frames: readonly Message[]) => Reading<unknown> {
  const matching = new Matching();
  // Its client's waits are decided in order: while it is the first, nobody else takes frames.
  let passed = 0;
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
      passed = at + 1;
    }
    const looked = frames.length === 0 ? 'no frame came' : `none of ${frames.length} frames matches`;
    return { is: 'open', missing: `${describeMatch(match)} was waited for, ${looked}` };
  };
}

function assign(at: number, verdicts: Verdict[][], frameOf: Map<number, number>, tried: Set<number>): boolean {
  for (const [which, verdict] of (verdicts[at] as Verdict[]).entries()) {
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

function mismatch(frame: Message, match: unknown, why: string, at: number): Reading<never> {
  const actual = valueOf(frame);
  const lines = `${why}\n  expected: ${describeMatch(match)}\n  received: ${show(actual)}`;
  const isComparable =
    !isSchema(match) && !isAsymmetric(match) && typeof match !== 'function' && !(match instanceof RegExp);
  return isComparable ? { is: 'wrong', why: lines, actual, expected: match, at } : { is: 'wrong', why: lines, at };
}
