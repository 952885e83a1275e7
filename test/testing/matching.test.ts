import * as v from 'valibot';
import { testApp, type TestClient } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { echoOf, appOf, refusalOf } from './apps.ts';

const bytes = Uint8Array.of(1, 2, 255);
class Point {
  readonly x = 1;
  readonly y = 2;
}

/** A client that has got these frames. */
async function given(...frames: (string | Uint8Array)[]): Promise<{ ann: TestClient } & AsyncDisposable> {
  const t = testApp(
    appOf(async (ws) => {
      await ws.accept();
      for (const frame of frames) await ws.send(frame);
      await ws.receive();
    }),
  );
  return { ann: await t.connect('/x'), [Symbol.asyncDispose]: () => t.close() };
}

const json = '{"a":1,"b":[1,{"c":null}]}';

describe('a match', () => {
  test.each<[name: string, frame: string | Uint8Array, match: unknown, value: unknown]>([
    ['a value, by the JSON', json, { a: 1, b: [1, { c: null }] }, { a: 1, b: [1, { c: null }] }],
    ['a value with what is undefined', '{"a":1}', { a: 1, b: undefined }, { a: 1 }],
    ['a value of a class', '{"x":1,"y":2}', new Point(), { x: 1, y: 2 }],
    ['a list', '[1,"2",null]', [1, '2', null], [1, '2', null]],
    ['a number', '7', 7, 7],
    ['true', 'true', true, true],
    ['null', 'null', null, null],
    ['a text as it is', 'hi', 'hi', 'hi'],
    ['a text that is JSON, as it is', '{"a":1}', '{"a":1}', '{"a":1}'],
    ['an empty text', '', '', ''],
    ['a RegExp, by the text', '{"a":1}', /"a":\d/, '{"a":1}'],
    ['bytes', bytes, bytes, bytes],
    ['bytes of a Buffer', bytes, Buffer.from([1, 2, 255]), bytes],
    ['no bytes', new Uint8Array(), new Uint8Array(), new Uint8Array()],
    ['a value, by JSON in a binary frame', Buffer.from('{"a":1}'), { a: 1 }, { a: 1 }],
    ['a predicate, by the JSON', '{"a":1}', (frame: { a: number }) => frame.a === 1, { a: 1 }],
    ['a predicate, by the text', 'hi', (frame: string) => frame === 'hi', 'hi'],
    ['a predicate, by the bytes', bytes, (frame: Uint8Array) => frame.byteLength === 3, bytes],
    ['a predicate that answers later', '7', async (frame: number) => frame === 7, 7],
    ['an asymmetric matcher', '"hi"', expect.any(String), 'hi'],
    ['an asymmetric matcher of text', 'no json', expect.stringContaining('json'), 'no json'],
    ['an asymmetric matcher of bytes', bytes, expect.any(Uint8Array), bytes],
    [
      'asymmetric matchers inside',
      '{"id":"x1","at":[5,6]}',
      { id: expect.stringMatching(/^x/), at: [5, expect.any(Number)] },
      { id: 'x1', at: [5, 6] },
    ],
    ['an asymmetric matcher around', '{"a":1,"b":2}', expect.objectContaining({ a: 1 }), { a: 1, b: 2 }],
    ['a zod schema, with what it makes', '{"n":"5"}', z.object({ n: z.coerce.number() }), { n: 5 }],
    ['a zod schema that answers later', '"5"', z.string().transform(async (text) => Number(text)), 5],
    ['a valibot schema', '["a"]', v.array(v.string()), ['a']],
    [
      'a valibot schema that answers later',
      '"a"',
      v.pipeAsync(
        v.string(),
        v.checkAsync(async (text) => text === 'a'),
      ),
      'a',
    ],
    [
      'a schema that is a function',
      '1',
      Object.assign(() => false, {
        '~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => ({ value }) },
      }),
      1,
    ],
  ])('is %s', async (_, frame, match, value) => {
    await using its = await given(frame);
    expect(await its.ann.expect(match)).toEqual(value);
    await its.ann.expectNothing();
  });

  test.each<[name: string, frame: string | Uint8Array, match: unknown, why: string]>([
    ['a value that differs', '{"a":1}', { a: 2 }, 'it differs'],
    ['a value with too much', '{"a":1,"b":1}', { a: 1 }, 'it differs'],
    ['a value with null for nothing', '{"a":null}', {}, 'it differs'],
    ['a list that is longer', '[1,2]', [1], 'it differs'],
    ['a list for an object', '[]', {}, 'it differs'],
    ['a value, of a text', 'hi', { a: 1 }, 'it is no JSON'],
    ['a value, of bytes', bytes, { a: 1 }, 'it is a binary frame, and no JSON'],
    ['a text for its JSON', '"hi"', 'hi', 'a string is compared with the text as it is, and this is its JSON'],
    ['a text that differs', 'ho', 'hi', 'its text differs'],
    ['a text for a number', '7', '8', 'its text differs'],
    ['a text, of bytes', bytes, 'hi', 'it is a binary frame'],
    ['bytes, of a text', 'hi', bytes, 'it is a text frame'],
    ['bytes that differ', bytes, Uint8Array.of(1), 'its bytes differ'],
    ['a RegExp', 'hi', /ho/, 'its text does not match'],
    ['a RegExp, of bytes', bytes, /./, 'it is a binary frame, a RegExp is for text'],
    ['a predicate', '1', () => false, 'the predicate is false for it'],
    ['a predicate that answers later', '1', async () => false, 'the predicate is false for it'],
    ['an asymmetric matcher', '1', expect.any(String), 'it is something else'],
    ['a zod schema', '{"n":"x"}', z.object({ n: z.number() }), 'the schema refuses it: Invalid input'],
    ['a valibot schema that answers later', '1', v.pipeAsync(v.string()), 'the schema refuses it'],
    [
      'a predicate that throws',
      '1',
      () => {
        throw new RangeError('too far');
      },
      'the match itself threw RangeError: too far',
    ],
    [
      'a predicate that throws later',
      '1',
      async () => {
        throw new RangeError('too far');
      },
      'the match itself threw RangeError: too far',
    ],
  ])('is not %s', async (_, frame, match, why) => {
    await using its = await given(frame);
    const error = await refusalOf(its.ann.expect(match));
    expect(error.message).toContain(`frame 1 of client 1 is not what was expected: ${why}`);
    expect((await its.ann.receive()).data).toEqual(frame);
  });

  test('by a RegExp with the flag g or y begins anew each time', async () => {
    await using its = await given('aa', 'aa', 'aa');
    const each = /a/g;
    await its.ann.expectSequence([each, each, /a/y]);
  });

  test('of a schema that never answers ends', async () => {
    const t = testApp(
      echoOf((ws, text) => ws.sendText(text)),
      { watchdogMs: 30 },
    );
    const ann = await t.connect('/x');
    ann.send('1');
    const never = {
      '~standard': { version: 1, vendor: 'mine', validate: () => new Promise<never>(() => {}) },
    } as const;
    await expect(ann.expect(never)).rejects.toThrow('the schema did not answer in its real time');
    await ann.expect(1);
    await t.close();
  });

  test('of a schema that thinks keeps time from moving', async () => {
    await using t = testApp(echoOf((ws, text) => ws.sendText(text)));
    const ann = await t.connect('/x');
    ann.send('1');
    const slow = z.number().refine(async () => new Promise((resolve) => setTimeout(resolve, 10, true))); // real time: what a handler outside of the kit waits for
    expect(await ann.expect(slow, { within: '1s' })).toBe(1);
    expect(t.clock.monotonic()).toBe(0);
  });

  test('that throws an assertion keeps its values for a diff', async () => {
    await using its = await given('{"a":1}');
    const error = await refusalOf(
      its.ann.expect((frame: { a: number }) => {
        expect(frame.a).toBe(2);
        return true;
      }),
    );
    expect(error).toMatchObject({ actual: 1, expected: 2, showDiff: true, cause: { name: 'AssertionError' } });
    await its.ann.receive();
  });
});

describe('several frames', () => {
  test('are matched in any order, each by one, where that is possible at all', async () => {
    await using its = await given('1', '2', '3');
    // The first that fits would take what only the second can have.
    expect(await its.ann.expectUnordered([expect.any(Number), (n: number) => n < 3, 1])).toEqual([3, 2, 1]);
  });

  test('that fit none are named', async () => {
    await using its = await given('1', '9');
    const { message } = await refusalOf(its.ann.expectUnordered([1, 2]));
    expect(message).toContain('frame 2 of client 1 is not what was expected: 9 fits none of those still expected: 2');
    await its.ann.expectSequence([1, 9]);
  });

  test('that are too few are named', async () => {
    await using its = await given('1');
    await expect(its.ann.expectUnordered([1, 2])).rejects.toThrow(
      '2 frames in any order were expected, 1 came; missing: 2',
    );
    await expect(its.ann.expectSequence([1, 2])).rejects.toThrow('2 was expected as frame 2 of 2, 1 came');
    await its.ann.expect(1);
  });

  test.each<[name: string, frames: string[], matches: (oops: unknown) => unknown[], bad: unknown, where: string]>([
    ['fits none', ['1', '9'], (oops) => [1, oops], 9, 'frame 2 of client 1'],
    ['takes the match of another', ['"a"', '1'], (oops) => [oops, expect.anything()], 'a', 'frame 1 of client 1'],
    ['is for a match that took another', ['0', '9'], (oops) => [oops, 0], 9, 'frame 2 of client 1'],
    ['is missing', ['1'], (oops) => [1, oops], 1, 'frame 1 of client 1'],
  ])('of which one %s stay, and the failure has what a match threw', async (_, frames, matches, bad, where) => {
    await using its = await given(...frames);
    for (const isLate of [false, true]) {
      const error = new RangeError('too far');
      const oops = (frame: unknown): boolean | Promise<boolean> => {
        if (frame !== bad) return frame === 0;
        if (isLate) return Promise.reject(error);
        throw error;
      };
      const refusal = await refusalOf(its.ann.expectUnordered(matches(oops) as never[]));
      expect(refusal.message).toContain(`for ${where} the match itself threw RangeError: too far`);
      expect(refusal.cause).toBe(error);
    }
    for (const frame of frames) expect(await its.ann.receiveText()).toBe(frame);
  });

  test('may make a match throw that is for another of them', async () => {
    await using its = await given('{"user":{"id":1}}', '"joined"');
    const isFirst = (frame: { user: { id: number } }): boolean => frame.user.id === 1;
    expect(await its.ann.expectUnordered(['"joined"', isFirst])).toEqual(['"joined"', { user: { id: 1 } }]);
  });

  test('before the one that is waited for are skipped, and the transcript says so', async () => {
    await using its = await given('{"kind":"noise"}', 'no json', '{"kind":"news","id":1}', 'after');
    const news = await its.ann.waitFor((frame: { kind: { toString(): string } }) => frame.kind.toString() === 'news');
    expect(news).toEqual({ kind: 'news', id: 1 });
    await its.ann.expect('after');
    expect(its.ann.transcript.events.map(({ kind }) => kind)).toEqual([
      'open',
      'received',
      'received',
      'received',
      'received',
      'skipped',
      'skipped',
    ]);
  });

  test('among which the one that is waited for is not stay', async () => {
    await using its = await given('1', '2');
    await expect(its.ann.waitFor(3)).rejects.toThrow('3 was waited for, none of 2 frames matches');
    await its.ann.expectSequence([1, 2]);
  });

  test('among which the one that is waited for made the match throw stay, and its error is shown', async () => {
    await using its = await given('1', '2');
    const oops = new RangeError('too far');
    const error = await refusalOf(
      its.ann.waitFor((frame: number) => {
        if (frame === 2) throw oops;
        return false;
      }),
    );
    expect(error.message).toContain('for frame 2 of client 1 the match itself threw RangeError: too far');
    expect(error.cause).toBe(oops);
    await its.ann.expectSequence([1, 2]);
  });
});

describe('receive', () => {
  test('takes frames as they are', async () => {
    await using its = await given('', bytes, '{"a":1}', Buffer.from('[1]'), 'text');
    expect(await its.ann.receive()).toEqual({ type: 'text', data: '' });
    expect(await its.ann.receiveBytes()).toEqual(bytes);
    expect(await its.ann.receiveJson()).toEqual({ a: 1 });
    expect(await its.ann.receiveJson()).toEqual([1]);
    await expect(its.ann.receiveBytes()).rejects.toThrow('it is the text frame "text"');
    expect(await its.ann.receiveText()).toBe('text');
  });

  test('takes no binary frame for text', async () => {
    await using its = await given(bytes);
    await expect(its.ann.receiveText()).rejects.toThrow('it is a binary frame of 3 bytes');
    await its.ann.receiveBytes();
  });
});
