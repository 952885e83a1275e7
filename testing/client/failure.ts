import { bytesOf } from '../../src/internal.ts';
import { callerLines } from '../time/clock.ts';

/** What a failure says of the values that it compared. */
export interface FailureOptions {
  readonly call: string;
  readonly origin: { stack?: string };
  readonly actual?: unknown;
  readonly expected?: unknown;
  /** The message shows how they differ: a runner need not do so again. */
  readonly hasDiff?: boolean;
  readonly cause?: unknown;
}

/** A test's expectation was not met. A runner shows the diff of `actual` and `expected` where the message does not. */
export class TestFailure extends Error {
  override readonly name = 'AssertionError';
  readonly code = 'ERR_ASSERTION';
  readonly actual: unknown;
  readonly expected: unknown;
  readonly showDiff: boolean;
  readonly operator: string;

  constructor(message: string, options: FailureOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.operator = options.call;
    this.actual = options.actual;
    this.expected = options.expected;
    const isComparison = options.actual !== undefined && options.expected !== undefined;
    this.showDiff = isComparison && options.hasDiff !== true;
    this.stack = `AssertionError: ${message}\n${callerLines(options.origin)}`;
  }
}

/** Two values line by line, what is missing with `-`, what is too much with `+`. */
export function diffOf(expected: unknown, actual: unknown): string {
  const left = linesOf(expected);
  const right = linesOf(actual);
  const common = commonLengths(left, right);
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      lines.push(`    ${left[i]}`);
      i += 1;
      j += 1;
    } else if (j >= right.length || (i < left.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      lines.push(`  - ${left[i]}`);
      i += 1;
    } else {
      lines.push(`  + ${right[j]}`);
      j += 1;
    }
  }
  return lines.join('\n');
}

/** Without the commas between them: one that comes and goes with a neighbour is no difference. */
function linesOf(value: unknown): string[] {
  return pretty(value)
    .split('\n')
    .map((line) => (typeof value === 'object' && line.endsWith(',') ? line.slice(0, -1) : line));
}

function pretty(value: unknown): string {
  if (typeof value === 'string' && value.includes('\n')) return value;
  const bytes = bytesOf(value);
  if (bytes !== undefined) return `bytes ${Buffer.from(bytes).toString('hex')}`;
  return JSON.stringify(value, sorted, 2) ?? String(value);
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const matcher = value as { toAsymmetricMatcher?: () => string };
  if (typeof matcher.toAsymmetricMatcher === 'function') return matcher.toAsymmetricMatcher();
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Lengths of the longest common subsequence of what is left from (i, j) on. */
function commonLengths(left: readonly string[], right: readonly string[]): number[][] {
  const lengths = Array.from({ length: left.length + 1 }, () => Array.from(right, () => 0));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      const row = lengths[i] as number[];
      row[j] =
        left[i] === right[j] ? at(lengths, i + 1, j + 1) + 1 : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  }
  return lengths;
}

function at(lengths: number[][], i: number, j: number): number {
  return lengths[i]?.[j] ?? 0;
}
