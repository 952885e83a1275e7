import { describe, expect, test } from 'vitest';
import { everyMemberGotIt, everySettledMemberGotIt, type SimEvent } from 'channelbox/testing/simulator';
import { comes, delivers, ends, gets, leaves, said, says } from './written.ts';

const spoken = [comes(1), comes(2), says(1, '~c1.1~'), delivers(1, '~c1.1~', { to: [1, 2] })];
const own = gets(1, '~c1.1~', { of: 1 });
const fault = (kind: 'cut' | 'slowReader' | 'layerPartition', c?: string): SimEvent => ({
  t: 15,
  e: 'fault',
  fault: kind,
  ...(c === undefined ? {} : { c }),
});

describe('everyMemberGotIt', () => {
  const checker = everyMemberGotIt();

  test('speaks where a member that stays never gets it, and looks at rest, before anything expires', () => {
    const { fault: found } = said(checker, [...spoken, own]);
    expect(found?.message).toBe('c2 was a member of g on n1 at 20 ms, stayed, and never got ~c1.1~');
    expect(found?.witness.map(({ e }) => e)).toEqual(['send', 'deliver']);
    expect(checker.when).toBe('rest');
  });

  test('does not speak where all have it, live or in a page', () => {
    expect(said(checker, [...spoken, own, gets(2, '~c1.1~', { of: 1 })])).toEqual({ checked: 2 });
    expect(said(checker, [...spoken, own, gets(2, ['~c1.1~'])])).toEqual({ checked: 2 });
  });

  test('does not speak of who went, was cut off, was denied it by the app, or is on a node that went', () => {
    const other = [own, comes(3, { t: 25 })];
    for (const went of ['close', 'gone', 'serverClose'] as const)
      expect(said(checker, [...spoken, ...other, ends(2, went, 1000)])).toEqual({ checked: 1 });
    expect(said(checker, [...spoken.slice(0, 3), fault('cut', 'c2'), ...spoken.slice(3), own]).fault).toBeUndefined();
    const denied = { ...(spoken[3] as SimEvent), denied: ['c2'] } as SimEvent;
    expect(said(checker, [...spoken.slice(0, 3), denied, own]).fault).toBeUndefined();
    expect(said(checker, [...spoken, { t: 21, e: 'crash', node: 'n1' }]).fault).toBeUndefined();
  });

  test("another's fault excuses nobody, nor a slow reader that is not denied it", () => {
    expect(said(checker, [...spoken.slice(0, 3), fault('cut', 'c1'), ...spoken.slice(3), own]).fault).toBeDefined();
    expect(
      said(checker, [...spoken.slice(0, 3), fault('slowReader', 'c2'), ...spoken.slice(3), own]).fault,
    ).toBeDefined();
    expect(said(checker, [fault('layerPartition'), ...spoken, own]).fault).toBeDefined();
  });

  describe('of who resumes', () => {
    const saved = [comes(2), says(1, '~c1.1~'), delivers(1, '~c1.1~', { to: [2], offset: 5, t: 20 })];

    test('what was saved before its page came may be behind the position that it asked with', () => {
      expect(said(checker, [...saved, gets(2, [])]).fault).toBeUndefined();
      expect(said(checker, [...saved, gets(2, ['~c1.9~'])]).fault).toBeUndefined();
    });

    test('speaks of a page with something older and without it', () => {
      const older = [delivers(7, '~c1.0~', { to: [], offset: 4, t: 1 }), ...saved];
      expect(said(checker, [...older, gets(2, ['~c1.0~'])]).fault).toBeDefined();
      expect(said(checker, [...older, gets(2, ['~c1.0~', '~c1.1~'])]).fault).toBeUndefined();
      const epoch = { ...(older[0] as SimEvent), position: { epoch: 'other', offset: 4 } } as SimEvent;
      expect(said(checker, [epoch, ...saved, gets(2, ['~c1.0~'])]).fault).toBeUndefined();
    });

    test('speaks of what was not saved, of what came after the page, and of what came without a page', () => {
      const unsaved = [comes(2), says(1, '~c1.1~'), delivers(1, '~c1.1~', { to: [2] })];
      expect(said(checker, [...unsaved, gets(2, [])]).fault).toBeDefined();
      const behind = [comes(2), gets(2, [], { t: 15 }), delivers(1, '~c1.1~', { to: [2], offset: 5, t: 20 })];
      expect(said(checker, behind).fault).toBeDefined();
      const live = [...saved, delivers(2, '~c1.2~', { to: [2], offset: 6 }), gets(2, '~c1.2~', { of: 2 })];
      expect(said(checker, live).fault).toBeDefined();
      expect(said(checker, saved).fault).toBeDefined();
    });
  });

  test('looks at nothing where no message has a stamp, or nobody stays', () => {
    expect(said(checker, [comes(1), { ...delivers(1, '', { to: [1] }), stamps: [] } as SimEvent])).toEqual({
      checked: 0,
    });
    expect(said(checker, [...spoken, ends(1, 'close', 1000), ends(2, 'close', 1000)])).toEqual({ checked: 0 });
  });
});

describe('everySettledMemberGotIt', () => {
  const checker = everySettledMemberGotIt({
    joined: (frame: { in?: string }) => frame.in,
    left: (sent: { leave?: string }) => sent.leave,
    to: (sent: { to?: string }) => sent.to,
  });
  const told = (conn: number, t: number): SimEvent => gets(conn, [], { t, frame: { in: 'g' } });
  const saying = says(1, '~c1.1~', { t: 50, text: JSON.stringify({ to: 'g', text: '~c1.1~' }) });
  const settled = [comes(1), comes(2), told(2, 40), saying];

  test('speaks where who was told that it is in never gets what was said after that', () => {
    const { fault: found } = said(checker, settled);
    expect(found?.message).toBe('c2 was told at 40 ms that it is in g, stayed, and never got ~c1.1~ of c1');
    expect(found?.witness.map(({ e }) => e)).toEqual(['recv', 'send']);
  });

  test('does not speak where it has it, was told later, left, or went; nor of a sender that went', () => {
    expect(said(checker, [...settled, gets(2, '~c1.1~', { t: 60 })])).toEqual({ checked: 1 });
    expect(said(checker, [comes(1), comes(2), saying, told(2, 51)])).toEqual({ checked: 0 });
    const leaving = says(2, '', { t: 55, text: JSON.stringify({ leave: 'g' }) });
    expect(said(checker, [...settled, leaving, leaves(2, 56)])).toEqual({ checked: 0 });
    expect(said(checker, [...settled, ends(2, 'close', 1000, 60)])).toEqual({ checked: 0 });
    expect(said(checker, [...settled, ends(1, 'close', 1000, 60)])).toEqual({ checked: 0 });
  });

  test('a fault of the layer voids what was not saved, and nothing else', () => {
    const lost = [...settled, fault('layerPartition')];
    expect(said(checker, lost)).toEqual({ checked: 0 });
    expect(said(checker, [...lost, delivers(1, '~c1.1~', { to: [1], offset: 3, t: 52 })]).fault).toBeDefined();
    expect(said(checker, [...settled, fault('slowReader', 'c2')]).fault).toBeDefined();
  });

  test('looks at nothing where nobody is told that it is in', () => {
    expect(said(checker, [comes(1), comes(2), saying])).toEqual({ checked: 0 });
  });
});
