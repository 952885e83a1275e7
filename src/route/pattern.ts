import { RouteError } from '../errors.ts';
import type { Params } from '../api.ts';
import { converterNames, isConverterName } from './converter.ts';
import type { ConverterName, Converters } from './converter.ts';
import { isUnclean, readSegment } from './path.ts';

export type { Converters };

/** Parameters of a path pattern: `ParamsOf<'/room/{name}/item/{id:int}'>` is `{ name: string } & { id: number }`. */
export type ParamsOf<Path extends string> = string extends Path
  ? Params
  : Path extends `${string}{${infer Field}}${infer Rest}`
    ? FieldOf<Field> & ParamsOf<Rest>
    : {};

type FieldOf<Field extends string> = Field extends `${infer Name}:${infer Type}`
  ? { readonly [K in Name]: Type extends keyof Converters ? Converters[Type] : never }
  : { readonly [K in Field]: string };

/** One segment of a pattern: a fixed text, or a field with what stands before and after it. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'field';
      readonly name: string;
      readonly converter: ConverterName;
      readonly before: string;
      readonly after: string;
    };

const fieldName = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/**
 * A pattern is a path such as `/room/{name}/item/{id:int}`, read once, when it is registered.
 *
 * A segment is a fixed text or holds one field, with fixed text around it where wanted (`/v{version:int}`,
 * `/{name}.json`). Fixed text is compared decoded, so `/café` and `/caf%C3%A9` are one pattern. `path` takes the rest
 * and stands alone in the last segment. The empty pattern is a router's own prefix.
 * @throws {RouteError} `CHANNELBOX_BAD_PATH`, `CHANNELBOX_DUPLICATE_PARAMETER`
 */
export class Pattern {
  readonly path: string;
  readonly segments: readonly Segment[];
  readonly endsWithSlash: boolean;
  /** Equal for two patterns that take the same paths: names do not count, a trailing slash does not either. */
  readonly shape: string;
  /** In the order of the path. */
  readonly names: readonly string[];

  constructor(path: string) {
    assertText(path);
    this.path = path;
    this.endsWithSlash = path.endsWith('/');
    const parts = path === '' || path === '/' ? [] : path.slice(1, this.endsWithSlash ? -1 : undefined).split('/');
    this.segments = parts.map((part) => readPart(part, path));
    this.names = this.segments.flatMap((segment) => (segment.kind === 'field' ? [segment.name] : []));
    assertFields(this);
    this.shape = this.segments.map((segment) => `/${shapeOf(segment)}`).join('');
  }
}

function assertText(path: string): void {
  if (typeof path !== 'string') {
    throw new RouteError('CHANNELBOX_BAD_PATH', `a path is a string such as '/room/{name}', got ${typeof path}`);
  }
  if (path !== '' && !path.startsWith('/')) throw badPath(path, `it must start with a slash; write '/${path}'`);
  if (isUnclean(path)) throw badPath(path, 'it must hold no control character and no backslash');
  if (/[?#]/.test(path)) {
    throw badPath(path, 'it must hold no ? and no #: a query is no part of it; read ws.query in the handler');
  }
}

function readPart(part: string, path: string): Segment {
  if (part === '') throw badPath(path, 'it has an empty segment; write one slash where it has two');
  if (part.startsWith(':')) throw badPath(path, `fields stand in braces; write '{${part.slice(1) || 'name'}}'`);
  if (part === '*' || part === '**') throw badPath(path, `${part} is no wildcard here; write '{rest:path}'`);
  const open = part.indexOf('{');
  const close = part.indexOf('}');
  if (open === -1 && close === -1) return { kind: 'literal', text: readLiteral(part, path) };
  if (open === -1 || (close !== -1 && close < open)) throw badPath(path, `'${part}' closes a brace that is not open`);
  if (close === -1) throw badPath(path, `'${part}' leaves a brace open; write '{name}' or '{name:converter}'`);
  const before = part.slice(0, open);
  const after = part.slice(close + 1);
  if (/[{}]/.test(after)) {
    throw badPath(
      path,
      `'${part}' has more than one field or a stray brace; a segment holds one field, so give each its own segment`,
    );
  }
  return {
    kind: 'field',
    ...readField(part.slice(open + 1, close), path),
    before: before === '' ? '' : readLiteral(before, path),
    after: after === '' ? '' : readLiteral(after, path),
  };
}

function readField(field: string, path: string): { name: string; converter: ConverterName } {
  const colon = field.indexOf(':');
  const name = colon === -1 ? field : field.slice(0, colon);
  const converter = colon === -1 ? 'str' : field.slice(colon + 1);
  if (name === '') throw badPath(path, `'{${field}}' has no name; write '{name}' or '{name:converter}'`);
  if (!fieldName.test(name)) {
    throw badPath(path, `'${name}' is no name for a field: a letter, _ or $ first, then also digits and -`);
  }
  if (!isConverterName(converter)) {
    throw badPath(path, `'${converter}' is no converter; there are ${converterNames.join(', ')}`);
  }
  return { name, converter };
}

function readLiteral(raw: string, path: string): string {
  const text = readSegment(raw);
  if (text === undefined) {
    throw badPath(path, `no request can match '${raw}': it is a dot segment or holds a malformed or forbidden escape`);
  }
  return text;
}

function assertFields(pattern: Pattern): void {
  const { path, segments, names } = pattern;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new RouteError(
      'CHANNELBOX_DUPLICATE_PARAMETER',
      `path ${quote(path)} has the parameter '${twice}' twice; prefixes count, so rename one of them`,
    );
  }
  if (names.includes('__proto__')) throw badPath(path, `'__proto__' cannot be a property of params; rename it`);
  segments.forEach((segment, index) => {
    if (segment.kind !== 'field' || segment.converter !== 'path') return;
    if (index < segments.length - 1 || pattern.endsWithSlash || segment.before !== '' || segment.after !== '') {
      throw badPath(path, `'{${segment.name}:path}' takes the rest of the path; let it stand alone at the very end`);
    }
  });
}

function shapeOf(segment: Segment): string {
  if (segment.kind === 'literal') return encodeText(segment.text);
  return `${encodeText(segment.before)}{${segment.converter}}${encodeText(segment.after)}`;
}

/** Keeps a fixed text's own slashes and braces from being read as the shape's. */
function encodeText(text: string): string {
  return text.replace(/[%/{}]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

function badPath(path: string, advice: string): RouteError {
  return new RouteError('CHANNELBOX_BAD_PATH', `path ${quote(path)} cannot be registered: ${advice}`);
}

/** One line, however long or strange the path. */
export function quote(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
