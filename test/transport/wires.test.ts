import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript5';
import { describe, expect, test } from 'vitest';
import { transportCases, type TransportHarness } from '../../testing/conformance/transport.ts';
import { OpenSite } from '../../testing/conformance/transport-harness.ts';
import { root, run } from '../package/run.ts';
import { memoryHarness, tcpHarness } from './link-site.ts';
import { simHarness } from '../simulator/sim-site.ts';
import { nodeHarness } from './node-site.ts';

/** A harness for each class that implements `Wire`; `node.test.ts` runs the first one's other ways of sending. */
const harnesses: Readonly<Record<string, TransportHarness>> = {
  NodeWire: nodeHarness(),
  MemoryWire: memoryHarness,
  WatchedWire: tcpHarness,
  SimWire: simHarness(1),
};

/** Names of the classes and of the objects that are declared to be wires, whatever they call the contract. */
function wiresIn(file: string, text: string): string[] {
  // To parse every file takes seconds; a wire is declared by the contract's name, or inherits one in its own file.
  if (!/\bWire\b/.test(text)) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const names = new Set(['Wire']);
  const wires: string[] = [];
  const isWire = (node: ts.Node): boolean => ts.isIdentifier(node) && names.has(node.text);
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node) && node.propertyName?.text === 'Wire') names.add(node.name.text);
    if (ts.isClassLike(node)) {
      const parents = (node.heritageClauses ?? []).flatMap(({ types }) => types.map(({ expression }) => expression));
      if (parents.some(isWire)) {
        const name = node.name?.text ?? `a class without a name in ${file}`;
        names.add(name);
        wires.push(name);
      }
    }
    const isObject = ts.isVariableDeclaration(node) && node.initializer?.kind === ts.SyntaxKind.ObjectLiteralExpression;
    if (isObject && node.type !== undefined && ts.isTypeReferenceNode(node.type) && isWire(node.type.typeName)) {
      wires.push(node.name.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return wires;
}

describe('every wire of the repository', () => {
  test('has a harness here, so that the suite runs on it', async () => {
    const { output } = await run(
      'git',
      ['ls-files', '-z', '-co', '--exclude-standard', 'src', 'testing', 'load'],
      root,
    );
    const files = output.split('\0').filter((path) => path.endsWith('.ts'));
    const found = files.flatMap((file) => wiresIn(file, readFileSync(join(root, file), 'utf8')));
    expect(found.toSorted()).toEqual(Object.keys(harnesses).toSorted());
  });

  test.each([
    ['a class', 'class A extends B implements Other, Wire {}', ['A']],
    ['one that is written inside a function', 'const make = () => class A implements Wire {};', ['A']],
    ['one under another name', "import { type Wire as Line } from 'x'; export class A implements Line {}", ['A']],
    ['one that inherits it', 'class A implements Wire {} class B extends A {}', ['A', 'B']],
    ['an object', 'const a: Wire = { ping() {} };', ['a']],
    ['none in what only uses it', 'class A { readonly wire: Wire; } // implements Wire', []],
  ])('is found: %s', (_what, text, names) => {
    expect(wiresIn('a.ts', text)).toEqual(names);
  });

  test.each(Object.entries(harnesses))('%s is what its harness serves', async (name, harness) => {
    await using stage = await OpenSite.of(harness);
    const { served } = await stage.pair();
    expect(served.wire.constructor.name).toBe(name);
  });
});

describe.each(Object.entries(harnesses))('%s', (_name, harness) => {
  test.each(transportCases(harness))('$name', ({ run: runCase }) => runCase());
});
