import { describe, expect, test } from 'vitest';
import { noDuplicates, onlyMembers, perSenderFifo } from 'channelbox/testing/simulator';
import { comes, delivers, gets, said, says } from './written.ts';

/** c1 said A, then B; both are delivered to c2. */
const both = [
  comes(1),
  comes(2),
  says(1, '~c1.1~'),
  says(1, '~c1.2~'),
  delivers(1, '~c1.1~', { to: [2] }),
  delivers(2, '~c1.2~', { to: [2] }),
];
const inOrder = [gets(2, '~c1.1~', { of: 1 }), gets(2, '~c1.2~', { of: 2 })];

describe('perSenderFifo', () => {
  test('speaks where the second comes before the first, and shows both ends of both', () => {
    const { fault, checked } = said(perSenderFifo(), [...both, ...inOrder.toReversed()]);
    expect(fault?.message).toBe('c2 got ~c1.2~ before ~c1.1~ in g, which c1 sent the other way round');
    expect(fault?.witness.map(({ e }) => e)).toEqual(['send', 'send', 'recv', 'recv']);
    expect(checked).toBe(1);
  });

  test('does not speak where the order is kept, and counts the pairs', () => {
    expect(said(perSenderFifo(), [...both, ...inOrder])).toEqual({ checked: 1 });
  });

  test('does not speak of two senders, of two groups, of a frame that comes again, or of frames left out', () => {
    const twoSenders = [comes(1), comes(2), comes(3), says(1, '~c1.1~'), says(2, '~c2.2~')];
    const of = [delivers(1, '~c1.1~', { to: [3] }), delivers(2, '~c2.2~', { to: [3] })];
    const other = [gets(3, '~c2.2~', { of: 2 }), gets(3, '~c1.1~', { of: 1 })];
    expect(said(perSenderFifo(), [...twoSenders, ...of, ...other]).fault).toBeUndefined();
    const twoGroups = [...both.slice(0, -1), delivers(2, '~c1.2~', { to: [2], group: 'h' }), ...inOrder.toReversed()];
    expect(said(perSenderFifo(), twoGroups).fault).toBeUndefined();
    expect(said(perSenderFifo(), [...both, ...inOrder, gets(2, '~c1.1~', { of: 1 })]).fault).toBeUndefined();
    const none = perSenderFifo({ frames: () => false });
    expect(said(none, [...both, ...inOrder.toReversed()])).toEqual({ checked: 0 });
  });

  test('an unsaved message may follow the page that has what was said after it', () => {
    const saved = [...both.slice(0, -1), delivers(2, '~c1.2~', { to: [2], offset: 1 })];
    const held = [gets(2, ['~c1.2~']), gets(2, '~c1.1~', { of: 1 })];
    expect(said(perSenderFifo(), [...saved, ...held]).fault).toBeUndefined();
  });

  test('speaks of a saved message behind a page that has what was said after it', () => {
    const saved = [
      ...both.slice(0, 4),
      delivers(1, '~c1.1~', { to: [2], offset: 1 }),
      delivers(2, '~c1.2~', { to: [2], offset: 2 }),
    ];
    expect(said(perSenderFifo(), [...saved, gets(2, ['~c1.2~']), gets(2, '~c1.1~', { of: 1 })]).fault).toBeDefined();
    // A page after what came live may read back.
    expect(said(perSenderFifo(), [...saved, gets(2, '~c1.2~', { of: 2 }), gets(2, ['~c1.1~'])]).fault).toBeUndefined();
  });

  test('speaks of a page in the wrong order, and of frames that the app sends one by one', () => {
    const page = said(perSenderFifo(), [...both, gets(2, ['~c1.2~', '~c1.1~'])]);
    expect(page.fault?.witness.map(({ e }) => e)).toEqual(['send', 'send', 'recv']);
    expect(said(perSenderFifo(), [...both, gets(2, '~c1.2~'), gets(2, '~c1.1~')]).fault).toBeDefined();
  });

  test('speaks of live messages, saved and not, that overtake each other', () => {
    const one = [...both.slice(0, -1), delivers(2, '~c1.2~', { to: [2], offset: 1 }), ...inOrder.toReversed()];
    expect(said(perSenderFifo(), one).fault).toBeDefined();
  });

  test('looks at nothing where nobody gets two of one sender', () => {
    expect(said(perSenderFifo(), [...both, ...inOrder.slice(1)])).toEqual({ checked: 0 });
  });
});

describe('noDuplicates', () => {
  test('speaks of a message that comes twice: live, in two pages, live and in a page', () => {
    const live = gets(2, '~c1.1~', { of: 1 });
    const { fault } = said(noDuplicates(), [...both, live, { ...live }]);
    expect(fault?.message).toBe('c2 got ~c1.1~ twice on one connection');
    expect(fault?.witness).toHaveLength(2);
    const page = gets(2, ['~c1.1~', '~c1.2~']);
    expect(said(noDuplicates(), [...both, page, live]).fault).toBeDefined();
    expect(said(noDuplicates(), [...both, live, page]).fault).toBeDefined();
    expect(said(noDuplicates(), [...both, page, { ...page }]).fault?.witness).toHaveLength(2);
    expect(said(noDuplicates(), [...both, gets(2, ['~c1.1~', '~c1.1~'])]).fault?.witness).toHaveLength(1);
  });

  test('does not speak of once each, of another connection of the same client, of two groups, or of frames left out', () => {
    expect(said(noDuplicates(), [...both, ...inOrder])).toEqual({ checked: 2 });
    const again = [comes(3, { t: 50 }), gets(3, ['~c1.1~'], { t: 60 })];
    expect(said(noDuplicates(), [...both, ...inOrder, ...again]).fault).toBeUndefined();
    const two = [delivers(3, '~c1.1~', { to: [2], group: 'h' }), gets(2, '~c1.1~', { of: 3 })];
    expect(said(noDuplicates(), [...both, ...inOrder, ...two]).fault).toBeUndefined();
    const live = noDuplicates({ frames: (frame) => !String(frame).includes(' ') });
    expect(said(live, [...both, gets(2, ['~c1.1~', '~c1.2~']), ...inOrder]).fault).toBeUndefined();
  });

  test('looks at nothing where no frame has a stamp', () => {
    expect(said(noDuplicates(), [comes(1), gets(1, []), gets(1, [])])).toEqual({ checked: 0 });
  });
});

describe('onlyMembers', () => {
  test('speaks of who was no member, or excepted, and of who was one on another connection', () => {
    const { fault } = said(onlyMembers(), [...both, gets(1, '~c1.1~', { of: 1 })]);
    expect(fault?.message).toContain('c1 got what g was sent at 20 ms, and was no member of it then, or excepted');
    expect(fault?.witness.map(({ e }) => e)).toEqual(['deliver', 'recv']);
    const before = { ...delivers(1, '~c1.1~', { to: [7] }), members: ['c2'] };
    expect(said(onlyMembers(), [comes(2), before, gets(2, '~c1.1~', { of: 1 })]).fault).toBeDefined();
  });

  test('does not speak of members, nor of what the app sends by itself', () => {
    expect(said(onlyMembers(), [...both, ...inOrder])).toEqual({ checked: 2 });
    expect(said(onlyMembers(), [...both, gets(1, ['~c1.1~'])])).toEqual({ checked: 0 });
  });

  test('goes by names where a recording has no connections', () => {
    const { conns: _conns, ...named } = delivers(1, '~c1.1~', { to: [2] }) as ReturnType<typeof delivers> & {
      conns?: unknown;
    };
    expect(said(onlyMembers(), [comes(2), named, gets(2, '~c1.1~', { of: 1 })]).fault).toBeUndefined();
    expect(said(onlyMembers(), [comes(1), comes(2), named, gets(1, '~c1.1~', { of: 1 })]).fault).toBeDefined();
  });
});
