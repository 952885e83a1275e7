/**
 * Lets Node run the command line from its sources: `node --import ./test/load/source-hooks.mjs load/cli.ts`. Takes types off,
 * line by line in place, and finds the package's own doors among the sources.
 */
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { transform } from 'sucrase';

const doors = new Map([
  ['channelbox', new URL('../../src/index.ts', import.meta.url).href],
  ['channelbox/testing', new URL('../../testing/index.ts', import.meta.url).href],
  ['channelbox/load', new URL('../../load/index.ts', import.meta.url).href],
]);

if (isMainThread) register(import.meta.url);

export async function resolve(specifier, context, next) {
  return await next(doors.get(specifier) ?? specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return await next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  const { code } = transform(text, { transforms: ['typescript'], disableESTransforms: true });
  return { format: 'module', source: code, shortCircuit: true };
}
