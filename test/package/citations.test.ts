import { basename, dirname, join } from 'node:path/posix';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourceFiles, type SourceFile } from './source-files.ts';

/** Documents, sources and scripts by their name, with as much of their path as is given. */
const cited = /[\w./-]*\w\.(?:md|ts|mjs|js|py|json|svg|html)\b/g;

/** The text of a file's comments, by line. */
const commentsOf = (text: string): string[] =>
  text.split('\n').map((line) => {
    const whole = /^\s*(?:\*|\/\*|\/\/)(.*)/.exec(line);
    return (whole ?? /\s\/\/\s(.*)/.exec(line))?.[1] ?? '';
  });

/** Citations of files that the repository does not hold. */
function untracked(files: readonly SourceFile[], tracked: readonly string[]): string[] {
  const ends = new Set(
    tracked.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(index).join('/'))),
  );
  const isKnown = (path: string, name: string): boolean =>
    ends.has(name) ||
    ends.has(join(dirname(path), name)) ||
    // What the build makes of a source.
    (name.startsWith('dist/') && ends.has(name.replace(/^dist\/(.*)\.js$/, '$1.ts'))) ||
    // A name of one letter is an example, and .py are the sources of Nexios, which docs/nexios.md names.
    basename(name).indexOf('.') === 1 ||
    name.endsWith('.py');
  return files.flatMap(({ path, text }) =>
    commentsOf(text).flatMap((comment, index) =>
      [...comment.matchAll(cited)].flatMap(([name]) => (isKnown(path, name) ? [] : [`${path}:${index + 1}: ${name}`])),
    ),
  );
}

describe('a comment that cites a file', () => {
  let tracked: readonly string[];
  let sources: readonly SourceFile[];
  beforeAll(async () => {
    const all = await sourceFiles();
    tracked = all.map(({ path }) => path);
    sources = all.filter(({ path }) => /^(src|testing|load|bench|build)\/.*\.(ts|mjs|js|css)$/.test(path));
  });

  test('cites one that the repository holds', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(untracked(sources, tracked)).toEqual([]);
  });

  test('is refused where it cites a page that nobody has, and not for a file beside it or for code', () => {
    const at = (text: string): SourceFile[] => [{ path: 'src/socket/a.ts', text }];
    expect(untracked(at('/** Rule 7 of PLAN.md §2. */'), ['src/a.ts'])).toEqual(['src/socket/a.ts:1: PLAN.md']);
    expect(untracked(at('x(); // as docs/plan.md says'), ['docs/other.md'])).toHaveLength(1);
    expect(untracked(at('/** As `state.ts` and docs/a.md say. */'), ['src/socket/state.ts', 'docs/a.md'])).toEqual([]);
    expect(untracked(at("import { x } from './nowhere.ts';"), [])).toEqual([]);
  });
});
