/**
 * A value is read, or it is said in a sentence what came and what was due; whoever knows the flag puts its name
 * before it.
 */
import { parseDuration, type Duration } from '../../../src/internal.ts';
import { masked, schemeProblem } from '../../address.ts';
import { nearest } from '../../scenario/nearest.ts';
import { explicit, oneRoom, uniform, zipf, type Rooms } from '../../scenario/rooms.ts';
import { burst, constant, poisson, type Schedule } from '../../scenario/schedule.ts';
import { parseThreshold } from '../../scenario/threshold.ts';

/** How the text of a flag or of a variable becomes a value. Every function throws a `ValueProblem` for what it cannot read. */

/** What came and what was due, in a sentence; whoever knows the flag puts its name before it. */
export class ValueProblem extends Error {
  constructor(came: string, due: string) {
    super(`${JSON.stringify(came)}: ${due}`);
  }
}

/** Given more than once, the last one counts. */
export function last(texts: readonly string[]): string {
  return texts.at(-1) ?? '';
}

/** Parts between commas, for flags that may be repeated and variables that cannot. */
export function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Of a switch. */
export function flag(): boolean {
  return true;
}

export function wholeNumber(text: string, min: number): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new ValueProblem(text, min < 0 ? 'a whole number is due' : `a whole number from ${min} is due`);
}

export function numberFrom(text: string, min: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= min) return value;
  throw new ValueProblem(text, `a number from ${min} is due`);
}

export function numberAbove(text: string, min: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > min) return value;
  throw new ValueProblem(text, `a number above ${min} is due`);
}

export function time(text: string): Duration {
  // A bare number is milliseconds in a scenario; on a command line it is mostly meant as seconds.
  if (/^\d*\.?\d+$/.test(text) && Number(text) !== 0)
    throw new ValueProblem(text, `a time needs its unit: ${text}s, ${text}ms or ${text}m`);
  const value = Number(text) === 0 ? 0 : text;
  if (parseDuration(value) === undefined) throw new ValueProblem(text, 'a time is due: 500ms, 30s, 5m, 1h');
  return value as Duration;
}

export function oneOf<const Word extends string>(text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const meant = nearest(text, words);
  throw new ValueProblem(text, `${words.join(', ')} are due${meant === undefined ? '' : `; did you mean ${meant}?`}`);
}

export function address(text: string): string {
  if (!URL.canParse(text)) throw new ValueProblem(masked(text), 'an address ws://host:port/path or wss://… is due');
  const problem = schemeProblem(text);
  if (problem !== undefined) throw new ValueProblem(masked(text), problem);
  return text;
}

export function threshold(text: string): string {
  const parsed = parseThreshold(text);
  if ('problem' in parsed) throw new ValueProblem(text, parsed.problem);
  return text;
}

/** `500`, `zipf:500:1.1`, `one`, `lobby=100,side=10` */
export function roomsOf(text: string): Rooms {
  const due = 'a number of rooms, zipf:<rooms>[:<exponent>], one, or sizes as lobby=100,side=10 are due';
  if (text === 'one') return oneRoom();
  if (/^\d+$/.test(text)) return uniform(wholeNumber(text, 1));
  const [, count, exponent] = /^zipf:(\d+)(?::(\d*\.?\d+))?$/.exec(text) ?? [];
  if (count !== undefined) return zipf(wholeNumber(count, 1), exponent === undefined ? 1 : numberAbove(exponent, 0));
  const sizes = list(text).map((part) => /^([^=]+)=(\d+)$/.exec(part));
  if (sizes.length === 0 || sizes.includes(null)) throw new ValueProblem(text, due);
  return explicit(Object.fromEntries(sizes.map((match) => [match?.[1] ?? '', wholeNumber(match?.[2] ?? '', 1)])));
}

/** `0.5`, `poisson:0.5`, `burst:10:5s` */
export function scheduleOf(text: string): Schedule {
  const [, messages, every] = /^burst:(\d+):(\S+)$/.exec(text) ?? [];
  if (messages !== undefined && every !== undefined) return burst(wholeNumber(messages, 1), time(every));
  const [, kind, perSecond] = /^(?:(constant|poisson):)?(\d*\.?\d+)$/.exec(text) ?? [];
  if (perSecond === undefined || Number(perSecond) <= 0) {
    throw new ValueProblem(text, 'messages a second are due: 0.5, poisson:0.5, or burst:<messages>:<time>');
  }
  return kind === 'poisson' ? poisson(Number(perSecond)) : constant(Number(perSecond));
}
