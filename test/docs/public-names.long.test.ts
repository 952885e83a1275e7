/** The compiler reads all of src, testing and load for it: seconds of CPU, on a busy machine many. */
import { expect, test } from 'vitest';
import { gapsOf } from '../../build/reference/check.ts';
import { survey } from '../../build/reference/survey.ts';
import { root } from '../package/run.ts';

test('what the exports of the package reach is documented, name by name, with the codes that the source throws', () => {
  const names = survey(root);
  expect(names.doors.map(({ name }) => name)).toContain('channelbox/testing');
  expect(names.doors.flatMap(({ entries }) => entries).length).toBeGreaterThan(100);
  expect(gapsOf(names, root)).toEqual([]);
}, 240_000);
