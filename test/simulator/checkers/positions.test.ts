import { describe, expect, test } from 'vitest';
import { noSilentGap, type SimEvent } from 'channelbox/testing/simulator';
import { comes, gets, said } from './written.ts';

interface Frame {
  readonly at?: string;
  readonly page?: readonly Frame[];
  readonly recovered?: boolean;
}

const checkerFor = (since?: string): ReturnType<typeof noSilentGap> =>
  noSilentGap({
    position: ({ page, at }: Frame) => (page === undefined ? at : undefined),
    page: ({ page, recovered, at }: Frame) =>
      page === undefined ? undefined : { messages: page, recovered: recovered === true, position: at },
    since: () => since,
  });
const checker = checkerFor();
const live = (...offsets: readonly (number | string)[]): SimEvent[] =>
  offsets.map((offset) => gets(1, [], { frame: { at: typeof offset === 'number' ? `e:${offset}` : offset } }));
const page = (offsets: readonly number[], { end = offsets.at(-1), recovered = true, epoch = 'e' } = {}): SimEvent =>
  gets(1, [], {
    frame: { page: offsets.map((offset) => ({ at: `${epoch}:${offset}` })), recovered, at: `${epoch}:${end}` },
  });

describe('noSilentGap', () => {
  test('speaks of a position that is left out, that comes again, and that goes back', () => {
    const { fault } = said(checker, [comes(1), live(1, 2, 4)]);
    expect(fault?.message).toBe('c1 was at e:2 and got e:4 next, without a word');
    expect(fault?.witness).toHaveLength(2);
    expect(said(checker, [comes(1), live(1, 2, 2)]).fault).toBeDefined();
    expect(said(checker, [comes(1), live(2, 1)]).fault).toBeDefined();
  });

  test('does not speak of positions that go up by one, nor of a new epoch', () => {
    expect(said(checker, [comes(1), live(1, 2, 3)])).toEqual({ checked: 2 });
    expect(said(checker, [comes(1), live(1, 2, 'other:1', 'other:2')]).fault).toBeUndefined();
    expect(said(checker, [comes(1), live(7)])).toEqual({ checked: 0 });
  });

  test('speaks of a gap behind a page, and of a message that is in it already', () => {
    expect(said(checker, [comes(1), page([1, 2]), live(4)]).fault?.message).toContain('was at e:2 and got e:4');
    expect(said(checker, [comes(1), page([1, 2]), live(2)]).fault).toBeDefined();
    expect(said(checker, [comes(1), page([1, 2]), live(3)])).toEqual({ checked: 2 });
  });

  test('speaks of a gap in a page, and of a page that says that it ends elsewhere than it does', () => {
    expect(said(checker, [comes(1), page([1, 3])]).fault?.message).toBe('a page for c1 goes from e:1 to e:3');
    expect(said(checker, [comes(1), page([1, 2], { end: 3 }), live(4)]).fault?.message).toContain(
      'its last message is e:2',
    );
    expect(said(checker, [comes(1), page([1, 2], { end: 1 })]).fault).toBeDefined();
    expect(said(checker, [comes(1), page([], { end: 3 }), live(4)]).fault).toBeUndefined();
  });

  test('holds recovered to the truth: a page that begins too late, or in another epoch, is none', () => {
    const from2 = checkerFor('e:2');
    expect(said(from2, [comes(1), page([4, 5])]).fault?.message).toBe(
      'c1 asked from e:2 and was told recovered: true, and the page begins with e:4',
    );
    expect(said(from2, [comes(1), page([], { end: 3 })]).fault).toBeDefined();
    expect(said(from2, [comes(1), page([3], { epoch: 'other' })]).fault).toBeDefined();
    expect(said(from2, [comes(1), page([3, 4])]).fault).toBeUndefined();
    expect(said(from2, [comes(1), page([], { end: 2 })]).fault).toBeUndefined();
  });

  test('recovered: false may leave a gap in front of the page, and nowhere else', () => {
    const from2 = checkerFor('e:2');
    expect(said(from2, [comes(1), page([4, 5], { recovered: false })]).fault).toBeUndefined();
    expect(said(from2, [comes(1), page([3], { recovered: false, epoch: 'other' })]).fault).toBeUndefined();
    expect(said(from2, [comes(1), page([4, 6], { recovered: false })]).fault).toBeDefined();
    expect(said(from2, [comes(1), page([4, 5], { recovered: false }), live(7)]).fault).toBeDefined();
  });

  test('a later page on one connection is held to where the live ones had come', () => {
    expect(said(checker, [comes(1), page([1, 2]), live(3), page([5, 6])]).fault).toBeDefined();
    expect(said(checker, [comes(1), page([1, 2]), live(3), page([4])]).fault).toBeUndefined();
  });

  test('looks at nothing where no frame has a position', () => {
    expect(said(checker, [comes(1), gets(1, ['~c1.1~'], { frame: { text: 'hi' } })])).toEqual({ checked: 0 });
  });
});
