/**
 * Reads what the package's `exports` reach: every public name, its declaration as a user sees it, and its documentation.
 * TypeScript 7 has no programming interface yet, so version 5.9 reads the same sources.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript5';
import { docCommentOf, isSaid, type DocComment } from './doc-comment.ts';

/** A module that a user may import. */
export interface Door {
  /** As it is imported: `channelbox/testing`. */
  readonly name: string;
  readonly source: string;
  readonly doc: DocComment;
  readonly entries: readonly Entry[];
}

/** One public name. */
export interface Entry {
  readonly name: string;
  /** The name it is declared under, where that is another. */
  readonly target: string;
  readonly kind: 'class' | 'interface' | 'function' | 'type' | 'value';
  readonly signature: string;
  readonly doc: DocComment;
  readonly members: readonly Member[];
  /** Path and line of the declaration, from the root. */
  readonly file: string;
  readonly line: number;
  readonly nodes: readonly ts.Declaration[];
}

export interface Member {
  readonly name: string;
  readonly signature: string;
  readonly doc: DocComment;
  readonly nodes: readonly ts.Declaration[];
}

export interface Survey {
  readonly doors: readonly Door[];
  readonly program: ts.Program;
}

/** @param root the folder of package.json */
export function survey(root: string): Survey {
  const sources = doorsOf(root);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['package.json'] }, ts.sys, root);
  const rootNames = sources.map(([, source]) => join(root, source));
  const program = ts.createProgram({ rootNames, options: { ...options, noEmit: true } });
  return { doors: sources.map(([name, source]) => doorOf(program, { root, name, source })), program };
}

/** What package.json exports, with the source of each. */
function doorsOf(root: string): (readonly [name: string, source: string])[] {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  const { exports } = JSON.parse(text) as { exports: Record<string, string | { readonly types: string }> };
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return [];
    return [[`channelbox${path.slice(1)}`, target.types.replace('./dist/', '').replace(/\.d\.ts$/, '.ts')] as const];
  });
}

function doorOf(
  program: ts.Program,
  door: { readonly root: string; readonly name: string; readonly source: string },
): Door {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(door.root, door.source));
  const module = file && checker.getSymbolAtLocation(file);
  if (file === undefined || module === undefined) throw new Error(`${door.source} exports nothing`);
  const entries = checker.getExportsOfModule(module).map((symbol) => entryOf(checker, symbol, door.root));
  const first = file.statements[0];
  return {
    name: door.name,
    source: door.source,
    doc: first === undefined ? empty : moduleDocOf(first),
    entries: entries.filter((entry) => entry !== undefined).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const empty: DocComment = { text: '', throws: [], params: [], returns: '' };

/** The comment at the top of a file, `@module` or not, belongs to the file. */
function moduleDocOf(first: ts.Statement): DocComment {
  const text = first.getSourceFile().getFullText().slice(0, first.getStart());
  const said = /\/\*\*([^]*?)\*\//.exec(text)?.[1] ?? '';
  return {
    ...empty,
    text: said
      .replaceAll(/^\s*\* ?/gm, '')
      .replace(/@module\s+\S+\s*/, '')
      .trim(),
  };
}

function entryOf(checker: ts.TypeChecker, symbol: ts.Symbol, root: string): Entry | undefined {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const nodes = target.declarations ?? [];
  const node = nodes[0];
  if (node === undefined) return undefined;
  const source = node.getSourceFile();
  const docs = [...nodes, ...(symbol.declarations ?? [])].map(docCommentOf);
  return {
    name: symbol.name,
    target: target.name,
    kind: kindOf(node),
    signature: nodes
      .map(signatureOf)
      .filter((text, at) => at === 0 || !hasBody(nodes[at]) || nodes.length === 1)
      .join('\n'),
    doc: docs.find(isSaid) ?? empty,
    members: membersOf(checker, nodes),
    file: relative(root, source.fileName).replaceAll('\\', '/'),
    line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
    nodes,
  };
}

function kindOf(node: ts.Declaration): Entry['kind'] {
  if (ts.isClassDeclaration(node)) return 'class';
  if (ts.isInterfaceDeclaration(node)) return 'interface';
  if (ts.isFunctionDeclaration(node)) return 'function';
  return ts.isTypeAliasDeclaration(node) ? 'type' : 'value';
}

function hasBody(node: ts.Node | undefined): boolean {
  return node !== undefined && ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

/** The declaration without bodies and initial values. */
function signatureOf(node: ts.Declaration): string {
  const text = node.getSourceFile().getFullText();
  const until = (end: number): string => text.slice(node.getStart(), end).trim();
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    return until(node.members.pos).replace(/\s*\{$/, '');
  }
  if (ts.isVariableDeclaration(node)) return `const ${until(node.type?.end ?? node.name.end)}`;
  if (hasBody(node)) return until((node as ts.FunctionDeclaration).body?.getStart() ?? node.end);
  if (ts.isPropertyDeclaration(node)) return until(node.type?.end ?? node.name.end);
  return until(node.end).replace(/[;,]$/, '');
}

function membersOf(checker: ts.TypeChecker, nodes: readonly ts.Declaration[]): Member[] {
  const groups = new Map<string, ts.Declaration[]>();
  for (const node of nodes) {
    if (!ts.isClassDeclaration(node) && !ts.isInterfaceDeclaration(node)) continue;
    for (const member of node.members) {
      const name = memberName(member);
      if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), member]);
    }
  }
  return [...groups].map(([name, all]) => {
    const shown = all.length > 1 ? all.filter((node) => !hasBody(node) || ts.isAccessor(node)) : all;
    const docs = all.flatMap((node) => [node, ...inherited(checker, node)]).map(docCommentOf);
    return { name, signature: shown.map(signatureOf).join('\n'), doc: docs.find(isSaid) ?? empty, nodes: all };
  });
}

/** Undefined for what is private. */
function memberName(member: ts.ClassElement | ts.TypeElement): string | undefined {
  if (ts.isConstructorDeclaration(member)) return 'constructor';
  if (ts.isCallSignatureDeclaration(member)) return 'call';
  if (ts.isClassStaticBlockDeclaration(member) || member.name === undefined || ts.isPrivateIdentifier(member.name))
    return undefined;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(member) & hidden) === 0 ? member.name.getText() : undefined;
}

/** The members of the same name that a class takes over from what it extends and implements. */
export function inherited(checker: ts.TypeChecker, node: ts.Declaration): ts.Declaration[] {
  const owner = node.parent;
  if (!ts.isClassDeclaration(owner) && !ts.isInterfaceDeclaration(owner)) return [];
  const { name } = node as ts.NamedDeclaration;
  if (name === undefined) return [];
  return (owner.heritageClauses ?? []).flatMap(({ types }) =>
    types.flatMap((type) => {
      const found = checker.getTypeAtLocation(type).getProperty(name.getText());
      return (found?.declarations ?? []).filter((declaration) => declaration !== node);
    }),
  );
}
