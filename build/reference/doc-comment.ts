/**
 * What a documentation comment says, cut into its parts. The text is read as it stands: the compiler knows a tag only at
 * the start of a line, and this project's short comments end with `@throws` on the line they begin.
 */
import ts from 'typescript5';

export interface DocComment {
  /** Markdown, without the tags; '' where there is none. */
  readonly text: string;
  readonly throws: readonly string[];
  /** By the parameter's name. */
  readonly params: readonly (readonly [name: string, text: string])[];
  readonly returns: string;
}

const tag = /(?:^|(?<=[\s.]))@(throws|param|returns|internal|module|default|example|see)\b/g;

/** The comment right before a declaration; parts are empty where it has none. */
export function docCommentOf(node: ts.Node): DocComment {
  const comments = ts.getJSDocCommentsAndTags(carrierOf(node)).filter((found) => ts.isJSDoc(found));
  const last = comments.at(-1);
  return cut(last === undefined ? '' : plain(last.getText()));
}

/** A variable's comment stands before its statement. */
function carrierOf(node: ts.Node): ts.Node {
  return ts.isVariableDeclaration(node) ? node.parent.parent : node;
}

/** The text between the marks, without the asterisks. */
function plain(comment: string): string {
  return comment
    .replace(/^\/\*\*\s?/, '')
    .replace(/\s*\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .replaceAll(/\{@link(?:code|plain)? ([^}|]+?)(?:\|([^}]*))?\}/g, (_all, name: string, label?: string) => {
      return label === undefined ? `\`${name.trim()}\`` : label.trim();
    })
    .trim();
}

function cut(text: string): DocComment {
  const starts = [...text.matchAll(tag)];
  const parts = starts.map((match, at) => ({
    name: match[1] as string,
    text: text.slice(match.index + match[0].length, starts[at + 1]?.index ?? text.length).trim(),
  }));
  const all = (name: string): string[] => parts.filter((part) => part.name === name).map((part) => part.text);
  return {
    text: text.slice(0, starts[0]?.index ?? text.length).trim(),
    throws: all('throws'),
    params: all('param').map((part) => {
      const [, name = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(part) ?? [];
      return [name, rest] as const;
    }),
    returns: all('returns').join(' '),
  };
}

/** Whether a comment says anything at all. */
export function isSaid({ text, throws, params, returns }: DocComment): boolean {
  return text !== '' || throws.length > 0 || params.length > 0 || returns !== '';
}
