import type { SimEvent } from '../api/event.ts';

/** This finds where two runs of one seed part. */
export function firstDifference(
  first: readonly SimEvent[],
  second: readonly SimEvent[],
): { message: string; witness: readonly SimEvent[] } {
  const length = Math.max(first.length, second.length);
  for (let at = 0; at < length; at += 1) {
    const [one, other] = [first[at], second[at]];
    if (JSON.stringify(one) === JSON.stringify(other)) continue;
    return {
      message: `two runs of one seed differ at event ${at}: ${wordsOf(one)} · ${wordsOf(other)}; something outlives a run, such as state of a module`,
      witness: [one, other].filter((event) => event !== undefined),
    };
  }
  return { message: 'two runs of one seed end differently after the same events', witness: [] };
}

function wordsOf(event: SimEvent | undefined): string {
  return event === undefined ? 'nothing more' : JSON.stringify(event);
}
