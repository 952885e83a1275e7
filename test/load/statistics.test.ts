import { expect, test } from 'vitest';
import { seeded } from '../../src/random.ts';
import {
  adjustJointly,
  median,
  pseudoMedian,
  pseudoMedianInterval,
  signedRankProbability,
} from '../../load/result/statistics.ts';
import { seedOfTest } from './seed.ts';

test('the signed-rank probability is the share of all signs that are as far out, ties and zeros included', () => {
  const seed = seedOfTest();
  const random = seeded(seed);
  for (let turn = 0; turn < 200; turn += 1) {
    const length = 1 + Math.floor(random() * 9);
    const differences = Array.from({ length }, () => Math.round((random() - 0.4) * 8));
    expect(signedRankProbability(differences), `seed ${seed}: ${differences.join(' ')}`).toBeCloseTo(
      byCountingAllSigns(differences),
      10,
    );
  }
});

test('no difference at all is no evidence', () => {
  expect(signedRankProbability([0, 0, 0, 0])).toBe(1);
  expect(signedRankProbability([])).toBe(1);
});

test('twelve differences of one sign reach 2 in 4096, five no less than 1 in 16', () => {
  expect(signedRankProbability(Array.from({ length: 12 }, (_, index) => index + 1))).toBeCloseTo(2 / 4096, 12);
  expect(signedRankProbability([1, 2, 3, 4, 5])).toBeCloseTo(1 / 16, 12);
});

test('the estimate is the median of the averages of all pairs', () => {
  expect(pseudoMedian([1, 2, 6])).toBe(2.75);
  expect(pseudoMedian([5])).toBe(5);
});

test('one wild round hardly moves the estimate', () => {
  const calm = [0.9, 1, 1.1, 1, 0.95, 1.05, 1, 1.02, 0.98, 1, 1.01];
  expect(Math.abs(pseudoMedian([...calm, 1_000]) - pseudoMedian(calm))).toBeLessThan(0.05);
});

test('the interval leaves out exactly the shifts that the test rejects', () => {
  const seed = seedOfTest();
  const random = seeded(seed);
  for (let turn = 0; turn < 50; turn += 1) {
    const differences = Array.from({ length: 12 }, () => random() - 0.3);
    const { low, high } = pseudoMedianInterval(differences, 0.99);
    const rejects = (shift: number): boolean =>
      signedRankProbability(differences.map((difference) => difference - shift)) <= 0.01;
    expect([rejects(low - 1e-9), rejects(low + 1e-9)], `seed ${seed}`).toEqual([true, false]);
    expect([rejects(high + 1e-9), rejects(high - 1e-9)], `seed ${seed}`).toEqual([true, false]);
  }
});

test('too few rounds for a confidence give an interval without ends', () => {
  expect(pseudoMedianInterval([1, 2, 3], 0.99)).toEqual({ low: -Infinity, high: Infinity });
});

test('twelve rounds bound ten metrics at once at the joint level of 0.5 %', () => {
  const differences = Array.from({ length: 12 }, (_, index) => index);
  expect(pseudoMedianInterval(differences, 1 - 0.005 / 10)).toEqual({ low: 0, high: 11 });
});

test("Holm's adjustment multiplies the smallest by all, the next by all but one, and never turns the order round", () => {
  expect(adjustJointly([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  expect(adjustJointly([0.5, 0.9])).toEqual([1, 1]);
  expect(adjustJointly([])).toEqual([]);
});

test('the median of an even number of values is the middle of the two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
  expect(median([])).toBeNaN();
});

/** The definition, without the shortcut. */
function byCountingAllSigns(differences: readonly number[]): number {
  const sizes = differences.map(Math.abs);
  const rank = (index: number): number => {
    const size = sizes[index] ?? 0;
    const below = sizes.filter((other) => other < size).length;
    const equal = sizes.filter((other) => other === size).length;
    return below + (equal + 1) / 2;
  };
  const kept = differences.flatMap((difference, index) =>
    difference === 0 ? [] : [{ rank: rank(index), difference }],
  );
  if (kept.length === 0) return 1;
  const middle = kept.reduce((sum, entry) => sum + entry.rank, 0) / 2;
  const seen = Math.abs(kept.reduce((sum, entry) => sum + (entry.difference > 0 ? entry.rank : 0), 0) - middle);
  let outer = 0;
  for (let signs = 0; signs < 2 ** kept.length; signs += 1) {
    const sum = kept.reduce((total, entry, index) => total + ((signs >> index) & 1 ? entry.rank : 0), 0);
    if (Math.abs(sum - middle) >= seen - 1e-9) outer += 1;
  }
  return outer / 2 ** kept.length;
}
