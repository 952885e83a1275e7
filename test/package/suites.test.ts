import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.ts';

/** As test/suites.ts has it. */
const isElsewhere = /[.](system|long)[.]test[.]ts$|^test\/(browser|redis|system|faults|soak|long)\//;

test('a test that asks for a program of the system is no unit test', async () => {
  const tests = (await sourceFiles('test')).filter(({ path }) => path.endsWith('.test.ts'));
  const asking = tests.filter(({ path, text }) => /\brequirement\('/.test(text) && path !== 'test/requirement.test.ts');
  expect(asking.length).toBeGreaterThan(3);
  expect(asking.map(({ path }) => path).filter((path) => !isElsewhere.test(path))).toEqual([]);
});

test('a test that asks for the built package, whose build takes its time, is no unit test', async () => {
  const tests = (await sourceFiles('test')).filter(({ path }) => path.endsWith('.test.ts'));
  const asking = tests.filter(({ text }) => /^import .*\b(packedPackage|builtPackage|builtKit)\b/m.test(text));
  expect(asking.length).toBeGreaterThan(3);
  expect(asking.map(({ path }) => path).filter((path) => !isElsewhere.test(path))).toEqual([]);
});
