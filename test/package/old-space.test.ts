import { expect, test } from 'vitest';
import { sourceFiles, type SourceFile } from './source-files.ts';

/**
 * `object.name = () => …`: V8 allocates a function that is assigned straight to a property with what lives long. Until the
 * old generation is collected it keeps alive what it closes over, a connection or a whole test: minor collections then
 * find nearly everything alive. The same function by way of a variable, or in an object literal, is allocated as usual.
 */
const assigned =
  /^\s*(?:if \(.*\) )?[\w.#]+\.#?\w+ (?:\?\?)?= (?:async )?(?:function\b|\w+ =>|\([^()]*\)(?:: [^=]+)? =>)/;

/**
 * `{ get layer() { … } }`: each such object has a hidden class of its own, which lives as long and holds the getter. Classes are
 * written at the margin, so that their accessors stand two spaces in, and those of object literals further.
 */
const accessor = /^\s{4,}(?:get|set) \w+\(/;

const offences = (files: readonly SourceFile[]): string[] =>
  files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        assigned.test(line) || accessor.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );

test('no function is assigned straight to a property, and no accessor is in an object literal: both live long, with what they hold', async () => {
  const files = await sourceFiles('src', 'testing');
  expect(offences(files.filter(({ path }) => path.endsWith('.ts')))).toEqual([]);
});

test.each([
  '    this.members = (group) =>',
  '    if (isNew) this.acceptNow = (answer) => this.open(answer);',
  '    world.onThrown = (error: unknown): void => this.fail(error);',
  '    this.#tell = async () => {',
  '    reader.onload = function () {',
  '      get layer() {',
])('found: %s', (line) => {
  expect(offences([{ path: 'src/a.ts', text: line }])).toEqual([`src/a.ts:1: ${line.trim()}`]);
});

test.each([
  '    this.members = members;',
  '  readonly #run = (): void => {',
  '    const open = (): void => {',
  '    run: () => 1,',
  '  get layer(): ChannelLayer {',
  '    get(name)',
])('left alone: %s', (line) => {
  expect(offences([{ path: 'src/a.ts', text: line }])).toEqual([]);
});
