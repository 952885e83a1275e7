import { existsSync, readFileSync, statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { createRequire, register } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type * as Esbuild from 'esbuild';
import { transform } from 'sucrase';
import { ScenarioError } from '../load-error.ts';
import { describeThrown } from '../thrown.ts';
import { validateScenario } from './validation.ts';
import type { Scenario } from './scenario.ts';

/**
 * What Node's loader thread runs. It is handed over as text and asks this thread to translate, so the translator need not
 * be found a second time, which a bundle could not promise. It knows TypeScript's ways of naming a file (`./a.ts`, `./a.js`
 * for `a.ts`, `./a`), and finds `channelbox` in the running package where the scenario's folder has none.
 */
const hooks = `
import { readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
let port, home, doors, count = 0;
const waiting = new Map();
export function initialize(data) {
  ({ port, home, doors } = data);
  port.on('message', ({ id, code, problem }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    problem === undefined ? resolve(code) : reject(new SyntaxError(problem));
  });
  port.unref();
}
const isFile = (url) => existsSync(url) && statSync(url).isFile();
function guess(specifier, parentURL) {
  const url = new URL(specifier, parentURL);
  if (url.protocol !== 'file:' || isFile(url)) return undefined;
  const tries = [url.href.replace(/\\.(m?)js$/, '.$1ts'), url.href + '.ts', url.href + '.mts', url.href + '.js', url.href.replace(/\\/?$/, '/index.ts')];
  return tries.find((href) => href !== url.href && isFile(new URL(href)));
}
export async function resolve(specifier, context, next) {
  if (/^(\\.{1,2}\\/|file:)/.test(specifier) && context.parentURL?.startsWith('file:')) {
    const found = guess(specifier, context.parentURL);
    if (found !== undefined) return next(found, context);
  }
  const door = doors[specifier];
  if (door !== undefined) return next(door, context);
  try {
    return await next(specifier, context);
  } catch (error) {
    const isOurs = specifier === 'channelbox' || specifier.startsWith('channelbox/');
    if (!isOurs || context.parentURL === home) throw error;
    return next(specifier, { ...context, parentURL: home });
  }
}
export async function load(url, context, next) {
  if (!/^file:.*\\.m?ts(\\?.*)?$/.test(url)) return next(url, context);
  const file = fileURLToPath(url.replace(/\\?.*$/, ''));
  const text = await readFile(file, 'utf8');
  const id = count++;
  const source = await new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    port.ref();
    port.postMessage({ id, text, file });
  });
  if (waiting.size === 0) port.unref();
  return { format: 'module', source, shortCircuit: true };
}
`;

let isRegistered = false;

const isSource = import.meta.url.endsWith('.ts');
const declaresUsing = /\busing \w+ =/;

/** From here on this process imports TypeScript, by Node 20's own loader. Calling it again changes nothing. */
export function registerTypeScript(): void {
  if (isRegistered) return;
  isRegistered = true;
  if (registerSyncHooks({ home: import.meta.url, doors: doors(), translate })) return;
  const { port1, port2 } = new MessageChannel();
  answer(port1);
  const data = { port: port2, home: import.meta.url, doors: doors() };
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data, transferList: [port2] });
}

/**
 * The scenario that a file exports by default, checked.
 * @throws {ScenarioError} `CHANNELBOX_SCENARIO_NOT_FOUND` when there is no such file, when it cannot be run or when it exports no scenario
 */
export async function importScenario(source: string | URL): Promise<Scenario> {
  const given = await importDefault(source);
  if (given === undefined) {
    const url = source instanceof URL ? source : pathToFileURL(source);
    const message = `${fileURLToPath(url)} exports no scenario; write \`export default defineLoad({ … })\``;
    throw new ScenarioError('', message, { code: 'CHANNELBOX_SCENARIO_NOT_FOUND' });
  }
  return validateScenario(given);
}

/**
 * What a file exports by default, whatever that is.
 * @throws {ScenarioError} `CHANNELBOX_SCENARIO_NOT_FOUND` when there is no such file, or when it cannot be run
 */
export async function importDefault(source: string | URL): Promise<unknown> {
  const url = source instanceof URL ? source : pathToFileURL(source);
  registerTypeScript();
  let module: { readonly default?: unknown };
  try {
    module = (await import(url.href)) as typeof module;
  } catch (error) {
    const message = `cannot import the scenario ${fileURLToPath(url)}: ${describeThrown(error)}`;
    throw new ScenarioError('', message, { cause: error, code: 'CHANNELBOX_SCENARIO_NOT_FOUND' });
  }
  return module.default;
}

/** Run from its own TypeScript, the package's doors are its sources; else Node finds them by the package's name. */
function doors(): Readonly<Record<string, string>> {
  if (!isSource) return {};
  const at = (path: string): string => new URL(path, import.meta.url).href;
  return {
    channelbox: at('../src/index.ts'),
    'channelbox/testing': at('../testing/index.ts'),
    'channelbox/testing/simulator': at('../testing/simulator.ts'),
    'channelbox/load': at('./index.ts'),
  };
}

function answer(port: MessagePort): void {
  port.on('message', ({ id, text, file }: { id: number; text: string; file: string }) => {
    try {
      port.postMessage({ id, code: translate(text, file) });
    } catch (error) {
      port.postMessage({ id, problem: `${file}: ${(error as Error).message}` });
    }
  });
  port.unref();
}

function translate(text: string, file: string): string {
  const code = isSource && declaresUsing.test(text) ? lower(text, file) : takeTypesOff(text, file);
  return `${code}\n//# sourceURL=${pathToFileURL(file).href}`;
}

function takeTypesOff(text: string, file: string): string {
  return transform(text, {
    transforms: ['typescript'],
    disableESTransforms: true,
    keepUnusedImports: false,
    filePath: file,
  }).code;
}

/** The package's own sources use what Node 20 does not know; the compiler lowers it, so that only a checkout has to. */
function lower(text: string, file: string): string {
  const esbuild = createRequire(import.meta.url)('esbuild') as Pick<typeof Esbuild, 'transformSync'>;
  return esbuild.transformSync(text, { loader: 'ts', target: 'node20', sourcefile: file }).code;
}

interface Context {
  readonly parentURL?: string | undefined;
  readonly conditions?: readonly string[];
}

type Resolve = (specifier: string, context?: Context) => object;
type Load = (url: string, context?: object) => object;

interface LoaderHooks {
  resolve(specifier: string, context: Context, next: Resolve): object;
  load(url: string, context: object, next: Load): object;
}

interface SyncHooksOptions {
  /** The running package's own file: who finds no channelbox beside the scenario finds it from here. */
  readonly home: string;
  readonly doors: Readonly<Record<string, string>>;
  readonly translate: (text: string, file: string) => string;
}

/**
 * Node's hooks within the thread, from 22.15 on. Newer ones wait for a module with the thread stopped, so that a loader
 * thread that asks this one to translate would wait for ever.
 * @returns false where Node has none
 */
function registerSyncHooks({ home, doors, translate }: SyncHooksOptions): boolean {
  const { registerHooks } = nodeModule as { registerHooks?: (hooks: LoaderHooks) => void };
  if (registerHooks === undefined) return false;
  registerHooks({
    resolve(specifier, context, next) {
      // `require` finds its files by itself, and by paths.
      if (context.conditions?.includes('require') === true) return next(specifier, context);
      const found = guess(specifier, context.parentURL) ?? doors[specifier];
      if (found !== undefined) return next(found, context);
      try {
        return next(specifier, context);
      } catch (error) {
        const isOurs = specifier === 'channelbox' || specifier.startsWith('channelbox/');
        if (!isOurs || context.parentURL === home) throw error;
        return next(specifier, { ...context, parentURL: home });
      }
    },
    load(url, context, next) {
      if (!/^file:.*\.m?ts(\?.*)?$/.test(url)) return next(url, context);
      const file = fileURLToPath(url.replace(/\?.*$/, ''));
      return { format: 'module', source: translate(readFileSync(file, 'utf8'), file), shortCircuit: true };
    },
  });
  return true;
}

/** TypeScript's ways of naming a file: `./a.js` for `a.ts`, `./a`, a folder for its index. */
function guess(specifier: string, parentURL: string | undefined): string | undefined {
  if (!/^(?:\.{1,2}\/|file:)/.test(specifier) || parentURL?.startsWith('file:') !== true) return undefined;
  const url = new URL(specifier, parentURL);
  if (url.protocol !== 'file:' || isFile(url)) return undefined;
  const { href } = url;
  const tries = [
    href.replace(/\.(m?)js$/, '.$1ts'),
    `${href}.ts`,
    `${href}.mts`,
    `${href}.js`,
    href.replace(/\/?$/, '/index.ts'),
  ];
  return tries.find((candidate) => candidate !== href && isFile(new URL(candidate)));
}

function isFile(url: URL): boolean {
  return existsSync(url) && statSync(url).isFile();
}
