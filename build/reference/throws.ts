/**
 * Follows calls through the sources and finds which `CHANNELBOX_…` codes a function can throw, so that what a docstring
 * claims can be compared. A call through an interface is followed into every class that implements it; a function that is
 * only passed on is taken as called.
 */
import ts from 'typescript5';
import { inherited } from './survey.ts';

const code = /^CHANNELBOX_[A-Z0-9_]+$/;

export class ThrownCodes {
  readonly #checker: ts.TypeChecker;
  /** Codes that stand in a declaration itself. */
  readonly #own = new Map<ts.Node, Set<string>>();
  readonly #calls = new Map<ts.Node, Set<ts.Node>>();
  /** The same, without what stands in a `try` that catches. */
  readonly #ownUncaught = new Map<ts.Node, Set<string>>();
  readonly #callsUncaught = new Map<ts.Node, Set<ts.Node>>();

  constructor(program: ts.Program, root: string) {
    this.#checker = program.getTypeChecker();
    const sources = program
      .getSourceFiles()
      .filter(({ fileName }) => fileName.startsWith(root) && !fileName.includes('/node_modules/'));
    for (const source of sources) this.#visit(source, source, false);
  }

  /** All that a declaration, or what it calls, can throw. */
  from(nodes: readonly ts.Node[]): ReadonlySet<string> {
    const codes = new Set<string>();
    const seen = new Set<ts.Node>(nodes);
    for (const node of seen) {
      for (const found of this.#own.get(node) ?? []) codes.add(found);
      for (const callee of this.#calls.get(node) ?? []) seen.add(callee);
    }
    return codes;
  }

  /** The codes that stand in a declaration itself, or in functions and private members that it calls: those it is sure to answer for. */
  directlyFrom(nodes: readonly ts.Node[]): ReadonlySet<string> {
    const codes = new Set<string>();
    const seen = new Set<ts.Node>(nodes);
    for (const node of seen) {
      for (const found of this.#ownUncaught.get(node) ?? []) codes.add(found);
      for (const callee of this.#callsUncaught.get(node) ?? []) if (isHelper(callee)) seen.add(callee);
    }
    return codes;
  }

  /** @param owner the function, class member or variable that what is visited belongs to */
  #visit(node: ts.Node, owner: ts.Node, isCaught: boolean): void {
    const mine = isOwner(node) ? node : owner;
    if (mine === node) this.#follow(node);
    // A string within brackets names a variable of the environment.
    if (ts.isStringLiteralLike(node) && code.test(node.text) && !ts.isElementAccessExpression(node.parent)) {
      add(this.#own, mine, node.text);
      if (!isCaught) add(this.#ownUncaught, mine, node.text);
    }
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) this.#link(node, mine, isCaught);
    ts.forEachChild(node, (child) => this.#visit(child, mine, isCaught || isCaughtIn(child, node)));
  }

  /** A member of an interface or a base class is whatever implements it; a class is its constructor and its fields. */
  #follow(node: ts.Node): void {
    if (ts.isSourceFile(node)) return;
    for (const base of inherited(this.#checker, node as ts.Declaration)) add(this.#calls, base, node);
    const isPart =
      ts.isConstructorDeclaration(node) || (ts.isPropertyDeclaration(node) && node.initializer !== undefined);
    if (isPart && ts.isClassLike(node.parent)) add(this.#calls, node.parent, node);
  }

  #link(name: ts.Identifier | ts.PrivateIdentifier, owner: ts.Node, isCaught: boolean): void {
    if (ts.isTypeReferenceNode(name.parent) || ts.isImportSpecifier(name.parent)) return;
    const symbol = this.#checker.getSymbolAtLocation(name);
    if (symbol === undefined) return;
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
    for (const declaration of target.declarations ?? []) {
      if (declaration === owner || !isOwner(declaration)) continue;
      add(this.#calls, owner, declaration);
      if (!isCaught) add(this.#callsUncaught, owner, declaration);
      // A function put into a variable of its file, as a class does that lets its neighbours at what is private.
      if (isAssignedTo(name)) add(this.#calls, declaration, owner);
    }
  }
}

function isCaughtIn(child: ts.Node, parent: ts.Node): boolean {
  return ts.isTryStatement(parent) && parent.tryBlock === child && parent.catchClause !== undefined;
}

function isAssignedTo({ parent }: ts.Node): boolean {
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
}

/** Nobody but the package itself calls it. */
function isHelper(node: ts.Node): boolean {
  if (ts.isFunctionDeclaration(node)) return true;
  return ts.isMethodDeclaration(node) && ts.isPrivateIdentifier(node.name);
}

/** What can be called, or holds what can be. */
function isOwner(node: ts.Node): boolean {
  if (ts.isVariableDeclaration(node)) return ts.isSourceFile(node.parent.parent.parent);
  return (
    ts.isFunctionDeclaration(node) ||
    ts.isClassLike(node) ||
    ts.isClassElement(node) ||
    ts.isMethodSignature(node) ||
    (ts.isPropertySignature(node) && ts.isInterfaceDeclaration(node.parent))
  );
}

function add<T>(sets: Map<ts.Node, Set<T>>, key: ts.Node, value: T): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}
