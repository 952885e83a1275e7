import { expect, test } from 'vitest';
import { sourceFiles } from './source-files.ts';

/** By each class that joins nodes: the test that runs the layers' suite on it, and how it makes one. The wires have theirs in test/transport. */
const layers: Readonly<Record<string, readonly [test: string, made: string]>> = {
  MemoryLayer: ['test/layer/memory.test.ts', 'new MemoryLayer('],
  BrokeredLayer: ['test/redis/conformance.test.ts', 'new BrokeredLayer('],
  SimLayer: ['test/simulator/conformance.test.ts', 'simLayerHarness('],
};

test('every class that implements ChannelLayer passes the suite of layers', async () => {
  const files = (await sourceFiles('src', 'testing', 'load')).filter(({ path }) => path.endsWith('.ts'));
  const found = files.flatMap(({ text }) =>
    [...text.matchAll(/class (\w+)[^{]* implements [^{]*\b(?:ChannelLayer|RedisLayer)\b/g)].map(
      ([, name = '']) => name,
    ),
  );
  expect(found.toSorted()).toEqual(Object.keys(layers).toSorted());

  const tests = new Map((await sourceFiles('test')).map(({ path, text }) => [path, text]));
  const unproved = Object.entries(layers).filter(([, [path, made]]) => {
    const text = tests.get(path) ?? '';
    return !text.includes('layerCases(') || !text.includes(made);
  });
  expect(unproved).toEqual([]);
});
