import { expect, test } from 'vitest';
import { SiteBudget } from '../../src/log/call-watch.ts';

const taken = (budget: SiteBudget, calls: number, nowMs: number): number =>
  Array.from({ length: calls }, () => budget.take(undefined, nowMs)).filter(Boolean).length;

test('of each second, the first 16 calls remember where they were made', () => {
  const budget = new SiteBudget();
  expect(taken(budget, 10, 5_000)).toBe(10);
  expect(taken(budget, 10, 5_999)).toBe(6);
  expect(taken(budget, 10, 6_000)).toBe(10);
  expect(taken(budget, 1_000, 9_000)).toBe(16);
});

test('where an app is watched every call does, and in a simulation none', () => {
  const budget = new SiteBudget();
  const watched = Array.from({ length: 100 }, () => budget.take({}, 0));
  expect(watched.every(Boolean)).toBe(true);
  expect(budget.take({ skipsSites: true }, 0)).toBe(false);
  expect(taken(budget, 100, 0)).toBe(16);
});
