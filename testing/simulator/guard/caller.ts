/** Tells from the stack whose call it was: the app's, or that of Node, of a test runner, of channelbox itself. */
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Folders of channelbox, from a checkout and from `dist` alike. */
const own: readonly string[] = [`${root}src/`, `${root}testing/`];
const runners = /[\\/]node_modules[\\/](vitest|@vitest|vite|vite-node|tinypool|mocha|jest[\w-]*|@jest|ava|tap)[\\/]/;
const framesMax = 16;

/**
 * The app's frames of the call that is under way, the innermost first; undefined where it was not the app that called.
 * @param through of a module of Node that hands the call on
 */
export function appStack(below: (...args: never[]) => unknown, through?: string): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = framesMax;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, below);
  const { stack } = holder;
  Error.stackTraceLimit = stackTraceLimit;
  if (typeof stack !== 'string') return undefined;
  const lines = stack.split('\n').filter((line) => line.trimStart().startsWith('at ') && !isNowhere(line));
  while (through !== undefined && lines[0]?.includes(through)) lines.shift();
  const first = lines[0];
  if (first === undefined || isOthers(first)) return undefined;
  return lines
    .filter((line) => !isOthers(line))
    .slice(0, 8)
    .join('\n');
}

/** `at Array.map (<anonymous>)` says nothing of who called it. */
function isNowhere(line: string): boolean {
  return line.includes('<anonymous>') && !/[\\/]/.test(line);
}

function isOthers(line: string): boolean {
  if (line.includes('(node:') || line.includes('at node:') || runners.test(line)) return true;
  return own.some((folder) => line.includes(folder));
}
