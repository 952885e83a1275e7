/** The testing kit as others have it: installed from the tarball, in each runner, each run for real. */
import { cp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packedPackage, type Consumer } from './packed-package.ts';
import { root, runNode, type Outcome } from './run.ts';

const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const runners = join(root, 'test/testing/runners');

let consumer: Consumer;
beforeAll(async () => {
  consumer = await packedPackage(['vitest', 'mock-socket', 'typescript']);
  await cp(runners, join(consumer.folder, 'runners'), { recursive: true });
  await cp(join(root, 'examples/testing-standalone'), join(consumer.folder, 'standalone'), { recursive: true });
  await writeFile(join(consumer.folder, 'package.json'), '{ "type": "module" }');
});
afterAll(async () => {
  await consumer[Symbol.asyncDispose]();
});

/** vitest on one of the runners' files. */
async function inVitest(file: string, more: object = {}): Promise<Outcome> {
  const config = join(consumer.folder, `${file}.config.mjs`);
  const test = { include: [`runners/${file}`], ...more };
  await writeFile(config, `export default ${JSON.stringify({ root: consumer.folder, test })};\n`);
  return runNode([vitest, 'run', '--reporter=verbose', '--config', config], consumer.folder);
}

/** From one heading to the next of a report. */
function section(output: string, from: string | RegExp): string {
  const at = output.search(from);
  return at < 0 ? '' : output.slice(at, at + 1_800);
}

const left =
  /the test left one thing behind:\s+• a timer \(forgotten\) is left, due in 60000 ms, set by \/words, handler/;

describe('the example project, outside of the workspace', () => {
  test('passes its own tests', async () => {
    const outcome = await runNode([vitest, 'run'], join(consumer.folder, 'standalone'));

    expect(outcome.output).toContain('4 passed');
    expect(outcome.code).toBe(0);
  });

  test('compiles', async () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(await runNode([tsc, '-p', '.'], join(consumer.folder, 'standalone'))).toMatchObject({ code: 0, output: '' });
  });
});

describe('what a test leaves behind', () => {
  test('in vitest: fails a test that passed, and is printed beside an assertion and its diff', async () => {
    const { code, output } = await inVitest('vitest-runner.mjs');

    expect(code).toBe(1);
    expect(output).toMatch(/3 failed \| 1 passed/);
    expect(output).toMatch(/✓ .*in order/);
    expect(section(output, /FAIL .*only leaves/)).toMatch(left);
    const asserted = section(output, /FAIL .*asserts and leaves/);
    expect(asserted).toContain(
      "AssertionError: expected { heard: 'forget' } to deeply equal { heard: 'something else' }",
    );
    expect(asserted).toMatch(/- .*"heard": "something else"[\s\S]*\+ .*"heard": "forget"/);
    const expected = section(output, /FAIL .*expects and leaves/);
    expect(expected).toContain('client 1.expect: frame 1 of client 1 is not what was expected');
    expect(expected).toMatch(/- {3}"heard": "another word"[\s\S]*\+ {3}"heard": "forget"/);
    for (const name of ['asserts and leaves', 'expects and leaves']) {
      expect(section(output, new RegExp(`stderr \\| .*${name}`))).toMatch(left);
    }
    expect(output).not.toContain('SuppressedError');
  });

  test('in node:test: the same, by its after hook', async () => {
    const args = ['--test', '--test-reporter=spec', join(consumer.folder, 'runners/node-test.mjs')];
    const { code, output } = await runNode(args, consumer.folder);

    expect(code).toBe(1);
    expect(output).toMatch(/pass 1\n.*fail 3\n/);
    const failures = output.slice(output.indexOf('failing tests'));
    expect(section(failures, /✖ only leaves/)).toMatch(left);
    const asserted = section(failures, /✖ asserts and leaves/);
    expect(asserted).toMatch(/\+ {3}heard: 'forget'[\s\S]*- {3}heard: 'something else'/);
    const expected = section(failures, /✖ expects and leaves/);
    expect(expected).toContain('client 1.expect: frame 1 of client 1 is not what was expected');
    expect(expected).toMatch(/- {3}"heard": "another word"[\s\S]*\+ {3}"heard": "forget"/);
    expect(output.match(/the test left one thing behind/g)?.length).toBeGreaterThanOrEqual(3);
  });

  test("in Jest's style: globals, afterEach, its asymmetric matchers", async () => {
    const { code, output } = await inVitest('jest-style.mjs', { globals: true });

    expect(code).toBe(1);
    expect(output).toMatch(/3 failed \| 1 passed/);
    expect(section(output, /FAIL .*only leaves/)).toMatch(left);
    expect(section(output, /FAIL .*asserts and leaves/)).toContain('to deeply equal');
    const expected = section(output, /FAIL .*expects and leaves/);
    expect(expected).toMatch(/- {3}"heard": "Any<Number>"[\s\S]*\+ {3}"heard": "forget"/);
    expect(section(output, /stderr \| .*expects and leaves/)).toMatch(left);
  });
});

test.each([
  ['vitest', 'channelbox/testing/vitest'],
  ['mock-socket', 'channelbox/testing/mock-socket'],
])('who lacks %s is told to install it', async (name, door) => {
  const program = `import('${door}').catch((error) => console.log(error.code, error.message));`;
  // A folder of its own: below the consumer's, the consumer's packages would be found.
  const folder = `${consumer.folder}-without-${name}`;
  const bare = join(folder, 'node_modules');
  await cp(consumer.installed, join(bare, 'channelbox'), { recursive: true });
  await symlink(join(root, 'node_modules/ws'), join(bare, 'ws'), 'dir');
  await writeFile(join(folder, 'run.mjs'), program);
  const { output } = await runNode(['run.mjs'], folder);
  await rm(folder, { recursive: true, force: true });

  expect(output).toContain(`CHANNELBOX_NO_PEER ${door} needs ${name}; run \`npm install -D ${name}\``);
});
