/**
 * The TypeScript of a Markdown document, cut out so that it can be compiled and run.
 *
 * A fence opened with `ts` is a snippet, one file. Its first line may name the file, `// file: room.ts`, for others of the same
 * document to import as `./room.ts`; otherwise it is named after its line. A word after `ts` changes what becomes of it:
 *
 * - nothing: it is imported and must end without throwing; with a call of `test(` in it, vitest runs it;
 * - `no-run (reason)`: it is compiled only.
 *
 * A fence of another language (`sh`, `json`, `text`, …) is prose. A snippet that is meant to be wrong says so to the compiler,
 * with `@ts-expect-error`.
 */
export interface Snippet {
  /** Of the document, as in `README.md`. */
  readonly document: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Where it stands among its document's snippets, as in `room.ts`. */
  readonly file: string;
  readonly text: string;
  readonly fate: 'test' | 'import' | 'compile';
}

/**
 * The snippets of a document, in order.
 * @throws {Error} for a fence that is never closed, a `no-run` without a reason, an unknown word after `ts`, a file named twice.
 */
export function snippetsOf(document: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const opening = /^( {0,3})(`{3,}|~{3,})\s*(\S*)\s*(.*)$/.exec(lines[index] ?? '');
    if (opening === null) continue;
    const [, indent = '', fence = '', language = '', words = ''] = opening;
    const end = lines.findIndex(
      (line, at) => at > index && line.trim().startsWith(fence) && line.trim().replaceAll(fence[0] ?? '', '') === '',
    );
    if (end < 0) throw new Error(`${document}:${index + 1}: this fence is never closed`);
    if (language === 'ts' || language === 'typescript') {
      const text = lines
        .slice(index + 1, end)
        .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
        .join('\n');
      snippets.push(snippetOf({ document, line: index + 1, text: `${text}\n`, words: words.trim() }));
    }
    index = end;
  }
  refuseTwins(snippets);
  return snippets;
}

function snippetOf(cut: {
  readonly document: string;
  readonly line: number;
  readonly text: string;
  readonly words: string;
}): Snippet {
  const { document, line, text, words } = cut;
  const where = `${document}:${line}`;
  if (words !== '' && !/^no-run \(\S.*\)$/.test(words)) {
    throw new Error(
      `${where}: "${words}" after ts: allowed is nothing, or no-run with its reason: \`\`\`ts no-run (needs a server)`,
    );
  }
  const named = /^\/\/ file: (\S+)/.exec(text)?.[1];
  if (named !== undefined && !/^[\w.-]+\.ts$/.test(named))
    throw new Error(`${where}: a snippet's file is a name like room.ts, not "${named}"`);
  const isTest = /^\s*(test|it|describe)(\.\w+)*\(/m.test(text);
  const file = named ?? `line-${line}${isTest ? '.test' : ''}.ts`;
  if (isTest && !file.endsWith('.test.ts'))
    throw new Error(`${where}: a snippet with tests is named like room.test.ts, not "${file}"`);
  return { document, line, file, text, fate: words === '' ? (isTest ? 'test' : 'import') : 'compile' };
}

function refuseTwins(snippets: readonly Snippet[]): void {
  const seen = new Map<string, Snippet>();
  for (const snippet of snippets) {
    const twin = seen.get(snippet.file);
    if (twin !== undefined)
      throw new Error(`${snippet.document}:${snippet.line}: ${snippet.file} is already named in line ${twin.line}`);
    seen.set(snippet.file, snippet);
  }
}
