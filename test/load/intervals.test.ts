import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Intervals } from '../../load/ledger/intervals.ts';

test('a set of ranges holds what a set of numbers holds', () => {
  const value = fc.integer({ min: 0, max: 60 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), from: value, length: fc.nat(8) }),
    fc.record({ kind: fc.constant('remove' as const), from: value, length: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), value, value, (steps, one, other) => {
      const ranges = new Intervals();
      const numbers = new Set<number>();
      for (const { kind, from, length } of steps) {
        const isRemoved = kind === 'remove' && ranges.remove(from);
        expect(isRemoved).toBe(kind === 'remove' && numbers.delete(from));
        if (kind === 'remove') continue;
        ranges.add(from, from + length);
        for (let number = from; number <= from + length; number += 1) numbers.add(number);
      }
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const within = [...numbers].filter((number) => number >= low && number <= high);
      expect(ranges.countWithin(low, high)).toBe(within.length);
      expect(ranges.firstWithin(low, high)).toBe(within.length === 0 ? undefined : Math.min(...within));
      for (let number = 0; number < 70; number += 1) expect(ranges.has(number)).toBe(numbers.has(number));
      expect(ranges.isEmpty).toBe(numbers.size === 0);
      expect(ranges.ranges).toBe([...numbers].filter((number) => !numbers.has(number - 1)).length);
    }),
    { numRuns: 500 },
  );
});
