/** A path is refused where different programs read it differently: a backslash, a control character. */

/** Read differently by different programs: a backslash, a control character. */
const unclean = /[\p{Cc}\\]/u;

/** A requested path, cut into decoded segments. */
export interface RequestedPath {
  readonly segments: readonly string[];
  readonly endsWithSlash: boolean;
}

/**
 * Cuts a URL's path into its segments and decodes each one.
 *
 * Undefined, which means no route, for what different programs read differently: no leading slash, an empty segment
 * (`//`), a dot segment, a backslash, a control character, an escape that is malformed or not UTF-8. An escaped
 * character is held to the same rules as a plain one, so `%2e%2e%2fetc` is no room's name.
 */
export function readPath(path: string): RequestedPath | undefined {
  if (!path.startsWith('/') || isUnclean(path) || /[?#]/.test(path)) return undefined;
  if (path === '/') return { segments: [], endsWithSlash: true };
  const endsWithSlash = path.endsWith('/');
  const segments = path.slice(1, endsWithSlash ? -1 : undefined).split('/');
  for (let index = 0; index < segments.length; index++) {
    const segment = readSegment(segments[index] ?? '');
    if (segment === undefined) return undefined;
    segments[index] = segment;
  }
  return { segments, endsWithSlash };
}

/** One segment decoded; undefined under the rules of {@link readPath}. */
export function readSegment(raw: string): string | undefined {
  if (isHop(raw)) return undefined;
  if (!raw.includes('%')) return raw;
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  return isUnclean(text) || text.split('/').some(isHop) ? undefined : text;
}

/** Holds what no path may: a backslash or a control character. */
export function isUnclean(text: string): boolean {
  return unclean.test(text);
}

/** Names no place of its own: an empty or a dot segment. */
function isHop(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..';
}

/** `/ws` or `/ws/` before `/chat` is `/ws/chat`; before the empty path it is `/ws`. */
export function joinPaths(prefix: string, path: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) + path : prefix + path;
}
