import type { Params } from '../api.ts';
import { convert, converterNames } from '../route/converter.ts';
import type { ConverterName } from '../route/converter.ts';
import { readPath } from '../route/path.ts';
import type { RequestedPath } from '../route/path.ts';
import type { Pattern, Segment } from '../route/pattern.ts';

type Field = Extract<Segment, { kind: 'field' }>;
type Value = string | number;

interface Leaf<T> {
  readonly names: readonly string[];
  readonly value: T;
}

interface Branch<T> {
  readonly field: Field;
  readonly convert: (text: string) => Value | undefined;
  readonly node: Node<T>;
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>;
  /** Sorted: the most specific first. */
  readonly branches: Branch<T>[];
  rest: Leaf<T> | undefined;
  leaf: Leaf<T> | undefined;
  /** Of the path with a slash behind it; used where that makes another path. */
  slashLeaf: Leaf<T> | undefined;
}

/** One look-up; `values` are those of the fields on the way to where it stands. */
interface Search extends RequestedPath {
  readonly values: Value[];
}

/** Of every match without fields. */
export const noParams: Params = Object.freeze({});

/**
 * Finds the most specific pattern that takes a path, whatever the order in which they came.
 *
 * Segments are compared from the left: a fixed text before a field with more fixed text around it, before one with
 * less, before a bare one; among equals the order of `converterNames`; `path` last. Where the more specific branch
 * leads nowhere, the next one is tried. Each node is visited at most once per path, since one node stands behind one
 * number of segments, and no expression backtracks: the cost is bounded by the size of the trie and the path's length.
 */
export class Trie<T> {
  readonly #root: Node<T> = newNode();
  readonly #isStrict: boolean;

  /** @param isStrict a trailing slash makes another path */
  constructor(isStrict: boolean) {
    this.#isStrict = isStrict;
  }

  /** The caller has made sure that no other pattern has this shape. */
  insert(pattern: Pattern, value: T): void {
    const leaf = { names: pattern.names, value };
    let node = this.#root;
    for (const segment of pattern.segments) {
      if (segment.kind === 'field' && segment.converter === 'path') {
        node.rest = leaf;
        return;
      }
      node = segment.kind === 'literal' ? literalNode(node, segment.text) : fieldNode(node, segment);
    }
    if (this.#isStrict && pattern.endsWithSlash && pattern.segments.length > 0) node.slashLeaf = leaf;
    else node.leaf = leaf;
  }

  /** @param path of a URL, still escaped, without query or hash */
  find(path: string): { readonly value: T; readonly params: Params } | undefined {
    const requested = readPath(path);
    if (requested === undefined) return undefined;
    const search = { ...requested, values: [] };
    const leaf = this.#descend(this.#root, search, 0);
    return leaf && { value: leaf.value, params: paramsOf(leaf.names, search.values) };
  }

  #descend(node: Node<T>, search: Search, depth: number): Leaf<T> | undefined {
    const { segments, endsWithSlash, values } = search;
    const text = segments[depth];
    if (text === undefined) {
      return this.#isStrict && endsWithSlash && depth > 0 ? node.slashLeaf : node.leaf;
    }
    const literal = node.literals.get(text);
    const found = literal && this.#descend(literal, search, depth + 1);
    if (found) return found;
    for (const branch of node.branches) {
      const value = valueOf(branch, text);
      if (value === undefined) continue;
      values.push(value);
      const leaf = this.#descend(branch.node, search, depth + 1);
      if (leaf) return leaf;
      values.pop();
    }
    if (!node.rest) return undefined;
    values.push(segments.slice(depth).join('/') + (this.#isStrict && endsWithSlash ? '/' : ''));
    return node.rest;
  }
}

function newNode<T>(): Node<T> {
  return { literals: new Map(), branches: [], rest: undefined, leaf: undefined, slashLeaf: undefined };
}

function literalNode<T>(node: Node<T>, text: string): Node<T> {
  let next = node.literals.get(text);
  if (!next) node.literals.set(text, (next = newNode()));
  return next;
}

function fieldNode<T>(node: Node<T>, field: Field): Node<T> {
  const known = node.branches.find((branch) => compareFields(branch.field, field) === 0);
  if (known) return known.node;
  const branch = { field, convert: convert[field.converter], node: newNode<T>() };
  node.branches.push(branch);
  node.branches.sort((one, other) => compareFields(one.field, other.field));
  return branch.node;
}

/** A total order that knows nothing of when a field came; 0 for fields that take the same texts. */
function compareFields(one: Field, other: Field): number {
  return (
    fixedLength(other) - fixedLength(one) ||
    rankOf(one.converter) - rankOf(other.converter) ||
    other.before.length - one.before.length ||
    compareTexts(one.before, other.before) ||
    compareTexts(one.after, other.after)
  );
}

function fixedLength(field: Field): number {
  return field.before.length + field.after.length;
}

function rankOf(converter: ConverterName): number {
  return converterNames.indexOf(converter);
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function valueOf<T>({ field, convert: read }: Branch<T>, text: string): Value | undefined {
  const { before, after } = field;
  if (before === '' && after === '') return read(text);
  if (text.length <= before.length + after.length || !text.startsWith(before) || !text.endsWith(after))
    return undefined;
  return read(text.slice(before.length, text.length - after.length));
}

function paramsOf(names: readonly string[], values: readonly Value[]): Params {
  if (names.length === 0) return noParams;
  const params: Record<string, Value> = {};
  names.forEach((name, index) => {
    const value = values[index];
    if (value !== undefined) params[name] = value;
  });
  return Object.freeze(params);
}
