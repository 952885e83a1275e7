/**
 * Runs mock-socket's own suite, which its package lacks, three times: as it is, beside a bridge that stands elsewhere, and
 * after one. `npm run build`, then: `node test/testing/mock-socket-suite.mjs <checkout of mock-socket 9.3.1>`. The
 * checkout needs `url-parse`, which `npm install` in it brings. Tests of its built files and of jsdom are left out.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { register } from 'node:module';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const leftOut = /(js-dom|loader)\.test\.js$/;
const waitMs = 2_000;

/** Its sources are ES modules without endings, in a package that does not say so. */
const hooks = `
  let root;
  export const initialize = (data) => { root = data.root; };
  export const resolve = (specifier, context, next) => {
    if (specifier === 'ava') return { url: root + 'ava', shortCircuit: true };
    if (specifier === 'mock-socket') return next(root + 'src/index.js', context);
    if (/^[.]/.test(specifier) && context.parentURL?.startsWith(root) && !/node_modules/.test(context.parentURL)) {
      return next(/[.]js$/.test(specifier) ? specifier : specifier + '.js', context);
    }
    return next(specifier, context);
  };
  export const load = (url, context, next) => {
    if (url === root + 'ava') return { format: 'module', source: 'export default globalThis.avaTest', shortCircuit: true };
    const isOwn = url.startsWith(root) && !/node_modules/.test(url);
    return next(url, isOwn ? { ...context, format: 'module' } : context);
  };`;

/** As much of ava 0.19 as the suite uses. */
class Suite {
  tests = [];
  #before = () => {};

  get test() {
    const add = (usesEnd) => (name, run) => this.tests.push({ name, run, usesEnd });
    return Object.assign(add(false), {
      cb: Object.assign(add(true), { skip: () => {} }),
      skip: () => {},
      beforeEach: (run) => {
        this.#before = run;
      },
    });
  }

  async run({ run, usesEnd }) {
    const failures = [];
    let end;
    const ended = new Promise((done) => {
      end = done;
    });
    const check = (isSo, message, what) => {
      if (!isSo) failures.push(message ?? what);
    };
    let left;
    const counted =
      (claim) =>
      (...given) => {
        if (left !== undefined) left -= 1;
        return claim(...given);
      };
    const t = {
      is: counted((one, other, message) => check(Object.is(one, other), message, `${one} is not ${other}`)),
      deepEqual: counted((one, other, message) => check(isDeepStrictEqual(one, other), message, 'not deeply equal')),
      true: counted((value, message) => check(value === true, message, 'not true')),
      false: counted((value, message) => check(value === false, message, 'not false')),
      truthy: counted((value, message) => check(Boolean(value), message, 'not truthy')),
      pass: counted(() => {}),
      fail: counted((message) => failures.push(message ?? 'fail')),
      notThrows: counted((act, message) => {
        try {
          act();
        } catch (error) {
          failures.push(message ?? String(error));
        }
      }),
      throws: counted((act, expected) => {
        try {
          act();
        } catch (error) {
          if (typeof expected === 'string' && error.message !== expected) failures.push(error.message);
          return error;
        }
        failures.push('it threw nothing');
      }),
      plan: (count) => {
        left = count;
      },
      end: () => end(),
    };
    const patience = setTimeout(() => {
      failures.push('it did not end');
      end();
    }, waitMs);
    try {
      this.#before(t);
      await run(t);
      if (usesEnd) await ended;
    } catch (error) {
      failures.push(String(error));
    }
    clearTimeout(patience);
    if (left !== undefined && left !== 0) failures.push('the plan was for another number of claims');
    return failures;
  }
}

/** A bridge stands elsewhere, and another one has stood; or one is over. */
async function bridged(mode) {
  if (mode === 'as it is') return;
  const { App } = await import('channelbox');
  const { testApp } = await import('channelbox/testing');
  const { bridgeMockSocket } = await import('channelbox/testing/mock-socket');
  const t = testApp(new App());
  bridgeMockSocket(t, 'ws://gone.test')[Symbol.dispose]();
  const bridge = bridgeMockSocket(t, 'ws://chat.test');
  if (mode !== 'after a bridge') return;
  bridge[Symbol.dispose]();
  await t.close();
}

/** One file, in this process, as ava runs it. */
async function runFile(checkout, file, mode) {
  const root = pathToFileURL(`${checkout}/`).href;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: { root } });
  // By these it knows Node, and that its log stays silent.
  globalThis.require = () => {};
  process.env.NODE_ENV = 'test';
  const suite = new Suite();
  globalThis.avaTest = suite.test;
  await import(`${root}tests/${file}`);
  await bridged(mode);
  const failed = [];
  for (const each of suite.tests) {
    const failures = await suite.run(each);
    if (failures.length > 0) failed.push(`${file}: ${each.name}: ${failures[0]}`);
  }
  process.stdout.write(JSON.stringify({ count: suite.tests.length, failed }), () => process.exit());
}

function runAll(checkout, mode) {
  let count = 0;
  const failed = [];
  const files = readdirSync(join(checkout, 'tests'), { recursive: true }).filter((file) => file.endsWith('.test.js'));
  for (const file of files.toSorted((one, other) => (one < other ? -1 : 1))) {
    if (leftOut.test(file)) continue;
    const { status, stdout, stderr } = spawnSync(process.execPath, [process.argv[1], checkout, file, mode], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`${file}: ${stderr}`);
    const result = JSON.parse(stdout);
    count += result.count;
    failed.push(...result.failed);
  }
  console.log(`${mode}: ${count - failed.length} of ${count}`);
  for (const each of failed) console.log(`  ${each}`);
  return failed.length;
}

const [, , checkout, file, mode] = process.argv;
if (checkout === undefined) {
  console.error('usage: node test/testing/mock-socket-suite.mjs <checkout of mock-socket>');
  process.exitCode = 2;
} else if (file === undefined) {
  const modes = ['as it is', 'beside a bridge', 'after a bridge'];
  const failures = modes.map((each) => runAll(resolve(checkout), each));
  process.exitCode = failures.every((count) => count === 0) ? 0 : 1;
} else await runFile(checkout, file, mode);
