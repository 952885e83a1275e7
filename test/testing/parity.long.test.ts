import { expect, test } from 'vitest';
import { compareSeeds, firstDifference, stepKinds } from './parity.ts';

test('a thousand random schedules have one transcript over memory and over tcp', { timeout: 600_000 }, async () => {
  const { counts, differing } = await compareSeeds(Array.from({ length: 1_000 }, (_, at) => 1_000 + at));
  console.log(`steps: ${stepKinds.map((kind) => `${kind} ${counts[kind] ?? 0}`).join(', ')}`);
  for (const kind of stepKinds) expect(counts[kind]).toBeGreaterThanOrEqual(100);
  expect(firstDifference(differing)).toBeUndefined();
});
