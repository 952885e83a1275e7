/**
 * `npm run map` writes the contributors' map into CONTRIBUTING.md: one line a file, from the first sentence of its docstring, or of
 * the docstring of what it is named after. A test compares the two.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

export interface MappedFile {
  readonly path: string;
  readonly text: string;
}

const begin = '<!-- map: written by npm run map -->';
const end = '<!-- end of the map -->';
const trees: readonly string[] = ['src', 'testing', 'load'];

/** The first sentence of a file; undefined where it has no docstring. */
export function sentenceOf({ path, text }: MappedFile): string | undefined {
  const head = /^(?:#!.*\n)?\s*\/\*\*([\s\S]*?)\*\//.exec(text)?.[1];
  return firstSentence(head ?? docstringOfName(path, text) ?? /\/\*\*([\s\S]*?)\*\//.exec(text)?.[1]);
}

/** The docstring of the export that a file is named after: `node-wire.ts` holds `NodeWire`. */
function docstringOfName(path: string, text: string): string | undefined {
  const name = basename(path, '.ts').replaceAll('-', '');
  const exports = text.matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n(?:\/\/.*\n)*export (?:declare |abstract |async |default )*(class|interface|type|function\*?|const) (\w+)/g,
  );
  const found = [...exports]
    .map(([, doc = '', kind = '', of = '']) => ({ doc, kind, of: of.toLowerCase() }))
    .filter(({ doc }) => !/^[\s*]*@/.test(doc))
    // What does something says more of a file than what it is given.
    .toSorted((one, other) => rank(one.kind) - rank(other.kind));
  return (found.find(({ of }) => of === name) ?? found.find(({ of }) => of.includes(name)) ?? found[0])?.doc;
}

const rank = (kind: string): number => (kind === 'class' ? 0 : kind.startsWith('function') ? 1 : 2);

function firstSentence(docstring: string | undefined): string | undefined {
  if (docstring === undefined) return undefined;
  const text = docstring
    .replaceAll(/\s*\n\s*\*[ \t]?/g, ' ')
    .trim()
    .replace(/^@module [\w/-]+: /, '')
    .replace(/\s+- [`\w][\s\S]*$/, '');
  const [sentence = ''] = text.split(/(?<=[.!?])\s+(?=[A-Z`*@])|\s*(?=@(?:throws|internal|param))/, 1);
  return sentence.replaceAll(/\{@link (\w+)\}/g, '`$1`').trim() || undefined;
}

/** The map as it stands in CONTRIBUTING.md: rooms as headings, one line a file. */
export function mapOf(files: readonly MappedFile[]): string {
  const rooms = new Map<string, string[]>();
  for (const file of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    const room = dirname(file.path);
    const line = `- \`${basename(file.path)}\` ${sentenceOf(file) ?? '…'}`;
    rooms.set(room, [...(rooms.get(room) ?? []), line]);
  }
  return [...rooms]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([room, lines]) => `**\`${room}/\`**\n\n${lines.join('\n')}\n`)
    .join('\n');
}

/** The document with this map in the place of the one that it has. */
export function withMap(document: string, map: string): string {
  const [before = '', rest = ''] = document.split(begin);
  const [, after = ''] = rest.split(end);
  return `${before}${begin}\n\n${map}\n${end}${after}`;
}

function trackedFiles(): MappedFile[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...trees], {
    encoding: 'utf8',
  });
  const paths = list.split('\n').filter((path) => path.endsWith('.ts'));
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  writeFileSync('CONTRIBUTING.md', withMap(readFileSync('CONTRIBUTING.md', 'utf8'), mapOf(trackedFiles())));
}
