import { describe, expect, test } from 'vitest';
import { RouteError } from '../../src/errors.ts';
import { Pattern } from '../../src/route/pattern.ts';
import { Trie } from '../../src/router/trie.ts';

const paramsFor = (pattern: string, path: string): object | undefined => {
  const trie = new Trie<string>(false);
  trie.insert(new Pattern(pattern), pattern);
  return trie.find(path)?.params;
};
const errorOf = (path: unknown): unknown => {
  try {
    return new Pattern(path as string);
  } catch (error) {
    return error;
  }
};

describe('a path that cannot be meant fails, and the message says what to write', () => {
  test.each<[string, unknown, RegExp]>([
    ['no leading slash', 'room', /start with a slash; write '\/room'/],
    ['no string', undefined, /a path is a string such as '\/room\/\{name\}', got undefined/],
    ['an open brace', '/room/{name', /leaves a brace open/],
    ['an open brace across segments', '/room/{a/b}', /leaves a brace open/],
    ['a stray closing brace', '/room/name}', /closes a brace that is not open/],
    ['braces in the wrong order', '/room/}a{', /closes a brace that is not open/],
    ['nested braces', '/room/{a{b}}', /more than one field or a stray brace|no name for a field/],
    [
      'an unknown converter',
      '/item/{id:integer}',
      /'integer' is no converter; there are uuid, int, float, slug, str, path/,
    ],
    ['an empty converter', '/item/{id:}', /'' is no converter/],
    ['a converter inherited from Object', '/item/{id:toString}', /'toString' is no converter/],
    ['a second colon', '/item/{id:int:str}', /'int:str' is no converter/],
    ['a blank before the converter', '/item/{id: int}', /' int' is no converter/],
    ['an empty name', '/item/{}', /has no name/],
    ['a name that is only a converter', '/item/{:int}', /has no name/],
    ['an optional field', '/item/{id?}', /no \?/],
    ['a name with a blank', '/item/{an id}', /'an id' is no name/],
    ['a name that is the prototype', '/item/{__proto__}', /__proto__/],
    ['path before the end', '/files/{rest:path}/raw', /alone at the very end/],
    ['path with a slash behind it', '/files/{rest:path}/', /alone at the very end/],
    ['path with text before it', '/files/v{rest:path}', /alone at the very end/],
    ['two fields in one segment', '/{from}-{to}', /a segment holds one field/],
    ['a query', '/room?name={name}', /no \? and no #.*ws\.query/],
    ['a hash', '/room#top', /no \? and no #/],
    ['a line break', '/room\n', /control character/],
    ['a NUL', '/ro\0om', /control character/],
    ['a backslash', '/room\\x', /backslash/],
    ['two slashes', '/room//x', /empty segment/],
    ['only slashes', '//', /empty segment/],
    ['a dot segment', '/room/../x', /no request can match/],
    ['an escaped dot segment', '/room/%2e%2e/x', /no request can match/],
    ['a malformed escape', '/room/100%', /no request can match/],
    ['a field as Express writes it', '/room/:name', /write '\{name\}'/],
    ['a star', '/files/*', /write '\{rest:path\}'/],
  ])('%s', (_what, path, message) => {
    const error = errorOf(path);
    expect(error).toBeInstanceOf(RouteError);
    expect(error).toMatchObject({ code: 'CHANNELBOX_BAD_PATH', message: expect.stringMatching(message) });
  });

  test('the same name twice', () => {
    expect(errorOf('/a/{id}/b/{id:int}')).toMatchObject({
      name: 'RouteError',
      code: 'CHANNELBOX_DUPLICATE_PARAMETER',
      message: expect.stringMatching(/'id' twice/),
    });
  });

  test('a very long path does not make a very long message', () => {
    expect((errorOf(`/${'a'.repeat(100_000)}//`) as Error).message.length).toBeLessThan(400);
  });
});

describe('a converter takes its texts and no others', () => {
  test.each<[string, string, unknown]>([
    ['int', '7', 7],
    ['int', '007', 7],
    ['int', '-7', -7],
    ['int', '9007199254740991', 9007199254740991],
    ['int', '9007199254740992', undefined],
    ['int', '1'.repeat(400), undefined],
    ['int', '0'.repeat(400), undefined],
    ['int', '1e9', undefined],
    ['int', '-0', undefined],
    ['int', '+5', undefined],
    ['int', 'NaN', undefined],
    ['int', 'Infinity', undefined],
    ['int', '0x10', undefined],
    ['int', '1.0', undefined],
    ['int', '%20 7', undefined],
    ['int', '7%0a', undefined],
    ['int', '-', undefined],
    ['int', '٣', undefined],
    ['int', '%37', 7],
    ['float', '1.5', 1.5],
    ['float', '-0.25', -0.25],
    ['float', '3', 3],
    ['float', '1e9', undefined],
    ['float', 'Infinity', undefined],
    ['float', '9'.repeat(400), undefined],
    ['float', '-0.0', undefined],
    ['float', '1.', undefined],
    ['float', '.5', undefined],
    ['float', '1.2.3', undefined],
    ['uuid', '123E4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
    ['uuid', '123e4567e89b12d3a456426614174000', undefined],
    ['uuid', '123e4567-e89b-12d3-a456-42661417400g', undefined],
    ['slug', 'hello-World_2', 'hello-World_2'],
    ['slug', 'hello world', undefined],
    ['slug', 'h%C3%A9', undefined],
    ['str', 'a%20b', 'a b'],
    ['str', 'caf%C3%A9', 'café'],
    ['str', 'a%2Fb', 'a/b'],
    ['str', 'a+b', 'a+b'],
    ['path', 'a/b%20c/d', 'a/b c/d'],
    ['path', 'a', 'a'],
    ['path', 'a/', 'a'],
  ])('%s: %s', (converter, text, value) => {
    expect(paramsFor(`/x/{it:${converter}}`, `/x/${text}`)).toEqual(value === undefined ? undefined : { it: value });
  });

  test('without a converter it is str', () => {
    expect(paramsFor('/x/{it}', '/x/7')).toEqual({ it: '7' });
  });

  test.each(['str', 'path'])('%s takes no empty text', (converter) => {
    expect(paramsFor(`/x/{it:${converter}}`, '/x/')).toBeUndefined();
    expect(paramsFor(`/x/{it:${converter}}`, '/x')).toBeUndefined();
  });

  test('fixed text may stand around a field', () => {
    expect(paramsFor('/v{major:int}/{name}.json', '/v2/a.b.json')).toEqual({ major: 2, name: 'a.b' });
    expect(paramsFor('/{name}.json', '/.json')).toBeUndefined();
    expect(paramsFor('/aa{name}aa', '/aaa')).toBeUndefined();
    expect(paramsFor('/v{major:int}', '/vx')).toBeUndefined();
  });

  test('params are frozen and have their own properties only', () => {
    const params = paramsFor('/{constructor}/{b:int}', '/x/2');
    expect(params).toStrictEqual({ constructor: 'x', b: 2 });
    expect(Object.isFrozen(params)).toBe(true);
  });
});
