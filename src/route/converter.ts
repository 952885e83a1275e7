/** A converter says what a `{name:converter}` of a path takes, and what the handler gets for it. */
export interface Converters {
  str: string;
  int: number;
  float: number;
  uuid: string;
  slug: string;
  path: string;
}

export type ConverterName = keyof Converters;

const intDigitsMax = String(Number.MAX_SAFE_INTEGER).length;
const intText = /^-?[0-9]+$/;
const floatText = /^-?[0-9]+(?:\.[0-9]+)?$/;
const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const slugText = /^[A-Za-z0-9_-]+$/;

/**
 * The most specific first: where several take a segment, the earlier one wins.
 * Each takes less than those behind it that it overlaps: every uuid is a slug, every int a float, everything a str.
 */
export const converterNames: readonly ConverterName[] = ['uuid', 'int', 'float', 'slug', 'str', 'path'];

/** A segment's value, or undefined where the converter does not take it. Linear in the text. */
export const convert: Readonly<Record<ConverterName, (text: string) => string | number | undefined>> = {
  /** A safe integer in decimal digits, at most 16; `-` is allowed, `+`, `-0`, an exponent or a point is not. */
  int(text) {
    if (text.length > intDigitsMax + 1 || !intText.test(text)) return undefined;
    const value = Number(text);
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : undefined;
  },
  /** A finite decimal, `7` or `-7.25`; no exponent, no `+`, no `-0`, no bare point. */
  float(text) {
    if (!floatText.test(text)) return undefined;
    const value = Number(text);
    return Number.isFinite(value) && !Object.is(value, -0) ? value : undefined;
  },
  /** Either case comes in, lower case comes out (RFC 9562 §4), so that one uuid is one value. */
  uuid: (text) => (uuidText.test(text) ? text.toLowerCase() : undefined),
  /** ASCII letters, digits, `-` and `_`. */
  slug: (text) => (slugText.test(text) ? text : undefined),
  /** One segment, not empty. */
  str: (text) => text,
  /** The rest of the path, at least one segment; the trie hands it over joined. */
  path: (text) => text,
};

export function isConverterName(name: string): name is ConverterName {
  return Object.hasOwn(convert, name);
}
