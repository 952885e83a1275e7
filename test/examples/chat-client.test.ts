import { describe, expect, test } from 'vitest';
import { chat, notice, own, ScriptedPage } from './scripted-socket.ts';

describe('each message is shown once', () => {
  test('whether it comes in the history, live, or in both', () => {
    const page = new ScriptedPage();
    const socket = page.welcome({ messages: [chat(1, 'one'), chat(2, 'two')], position: 'e:2' });
    socket.receive(chat(2, 'two'));
    socket.receive(chat(3, 'three'));

    expect(page.shown).toEqual(['one', 'two', 'three']);
  });

  test('across a reconnect, which asks for what came after the last one', () => {
    const page = new ScriptedPage();
    page.welcome().receive(chat(1, 'one'));
    page.socket.end();
    page.clock.advance(1000);
    expect(page.socket.url.searchParams.get('since')).toBe('e:1');
    page.welcome({ messages: [chat(1, 'one'), chat(2, 'two')], position: 'e:2' }).receive(chat(3, 'three'));

    expect(page.shown).toEqual(['one', 'two', 'three']);
    expect(page.gaps).toBe(0);
  });

  test('where the server forgot, it says that something may be missing and goes on in the new life', () => {
    const page = new ScriptedPage();
    page.welcome().receive(chat(9, 'old'));
    page.socket.end(1012);
    page.clock.advance(1000);
    const socket = page.welcome({ recovered: false, messages: [chat(1, 'new', { position: 'f:1' })], position: 'f:1' });
    socket.receive(chat(2, 'newer', { position: 'f:2' }));

    expect(page.gaps).toBe(1);
    expect(page.shown).toEqual(['old', 'new', 'newer']);
  });

  test('a newcomer misses nothing, however short the history is cut', () => {
    const page = new ScriptedPage();
    page.welcome({ recovered: false, messages: [chat(80, 'x')], position: 'e:80' });

    expect(page.gaps).toBe(0);
  });

  test('a message that its sender sent twice, since the first went out unconfirmed', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    socket.receive(chat(1, 'hello', { id: 'b1' }));
    socket.receive(chat(2, 'hello', { id: 'b1' }));
    socket.receive(chat(3, 'hello', { id: 'b1', user: 'cem' }));

    expect(page.shown).toEqual(['hello', 'hello']);
  });

  test('its own coming and going is not news to its user', () => {
    const page = new ScriptedPage();
    page.welcome({ member: 'm-ann' }).receive(notice('joined', 'ann', 1));
    page.socket.end();
    page.clock.advance(1000);
    const socket = page.welcome({ member: 'm-ann2', messages: [notice('left', 'ann', 0)], position: 'e:2' });
    socket.receive(notice('joined', 'bob', 2));

    expect(page.shown).toEqual(['bob joined the chat']);
  });
});

describe('what is written', () => {
  test('waits for the room, is sent, and is done when it comes back', () => {
    const page = new ScriptedPage();
    page.client.send('early');
    expect(page.outbox).toEqual([{ id: 'id-1', text: 'early', state: 'unsent' }]);
    const socket = page.welcome();
    expect(socket.sent).toEqual([{ type: 'message', content: 'early', id: 'id-1' }]);
    socket.receive(own(1, 'early', 'id-1'));

    expect(page.outbox).toEqual([]);
    expect(page.shown).toEqual(['early']);
  });

  test('is not sent again where the history shows that it arrived, and is where it does not', () => {
    const page = new ScriptedPage();
    page.welcome();
    page.client.send('arrived');
    page.client.send('lost');
    page.socket.end();
    page.clock.advance(1000);
    const arrived = own(1, 'arrived', 'id-1');
    const socket = page.welcome({ messages: [arrived], position: 'e:1' });

    expect(socket.sent).toEqual([{ type: 'message', content: 'lost', id: 'id-2' }]);
    expect(page.shown).toEqual(['arrived']);
  });

  test('is not taken as arrived because somebody of the same name says the same', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    page.client.send('hi');
    socket.receive(chat(1, 'hi', { user: 'ann', id: 'id-1', member: 'm-other' }));

    expect(page.outbox).toHaveLength(1);
  });

  test('of an earlier page is known by the names that the server had for it', () => {
    const page = new ScriptedPage({ members: ['m-own'], unsent: [{ id: 'old', text: 'before the reload' }] });
    const history = { messages: [notice('joined', 'bob', 2), own(2, 'before the reload', 'old')], position: 'e:2' };
    const socket = page.welcome({ member: 'm-new', ...history });

    expect(socket.sent).toEqual([]);
    expect(page.outbox).toEqual([]);
    expect(page.members).toEqual(['m-own', 'm-new']);
  });

  test('of an earlier page goes out first', () => {
    const page = new ScriptedPage({ unsent: [{ id: 'old', text: 'before the reload' }] });
    expect(page.welcome().sent).toEqual([{ type: 'message', content: 'before the reload', id: 'old' }]);
  });

  test('goes out no faster than the server allows one connection', () => {
    const page = new ScriptedPage();
    for (let index = 0; index < 30; index += 1) page.client.send(String(index));
    const socket = page.welcome();

    expect(socket.sent).toHaveLength(10);
    page.clock.advance(1000);
    expect(socket.sent).toHaveLength(14);
    page.clock.advance(4000);
    expect(socket.sent.map(({ content }) => content)).toEqual(Array.from({ length: 30 }, (_, index) => String(index)));
  });

  test('and refused says why, and stays until it is removed', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    page.client.send('bad');
    page.client.send('good');
    socket.receive({ type: 'error', code: 'refused-by-schema', message: 'too rude' });
    socket.receive(own(1, 'good', 'id-2'));
    expect(page.outbox).toEqual([{ id: 'id-1', text: 'bad', state: 'refused', reason: 'too rude' }]);
    page.socket.end();
    page.clock.advance(1000);
    expect(page.welcome().sent).toEqual([]);
    page.client.discard('id-1');

    expect(page.outbox).toEqual([]);
  });
});

describe('the connection', () => {
  test.each([
    [0, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]],
    [0.999_999, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
  ])('is tried again after delays that double up to 30 s, with chance %d at half of them', (random, delays) => {
    const page = new ScriptedPage();
    page.random = random;
    for (const [index, delayMs] of delays.entries()) {
      page.socket.end();
      page.clock.advance(delayMs - 1);
      expect(page.sockets).toHaveLength(index + 1);
      page.clock.advance(1);
      expect(page.sockets).toHaveLength(index + 2);
    }
  });

  test('once back begins again with a short delay', () => {
    const page = new ScriptedPage();
    for (let index = 0; index < 6; index += 1) {
      page.socket.end();
      page.clock.advance(30_000);
    }
    page.welcome();
    page.socket.end(1012);
    const before = page.sockets.length;
    page.clock.advance(500);

    expect(page.sockets).toHaveLength(before + 1);
    expect(page.connections.slice(-3)).toEqual(['open', 'waiting 1012', 'connecting']);
  });

  test('that fell silent is pinged, and given up without waiting for its end', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    page.clock.advance(20_000);
    socket.receive(chat(1, 'alive'));
    page.clock.advance(24_999);
    expect(socket.sent).toEqual([]);
    page.clock.advance(1);
    expect(socket.sent).toEqual([{ type: 'ping' }]);
    socket.receive({ type: 'pong' });
    page.clock.advance(25_000 + 9_999);
    expect(socket.isClosed).toBe(false);
    page.clock.advance(1);
    expect(socket.isClosed).toBe(true);
    socket.receive(chat(2, 'from the dead'));
    page.clock.advance(1000);

    expect(page.sockets).toHaveLength(2);
    expect(page.shown).toEqual(['alive']);
  });

  test('is looked after at once when the page is told to: a waiting one is tried, an open one pinged', () => {
    const page = new ScriptedPage();
    page.socket.end();
    page.client.check();
    expect(page.sockets).toHaveLength(2);
    page.client.check();
    expect(page.socket.sent).toEqual([]);
    page.welcome();
    page.client.check();

    expect(page.socket.sent).toEqual([{ type: 'ping' }]);
    page.clock.advance(1000);
    expect(page.sockets).toHaveLength(2);
  });

  test('that is stopped stays so, and leaves no timer', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    page.client.send('unconfirmed');
    page.client.stop();
    socket.end();
    page.client.check();

    expect(socket.isClosed).toBe(true);
    expect(page.connections.at(-1)).toBe('stopped');
    expect({ sockets: page.sockets.length, timers: page.clock.pending }).toEqual({ sockets: 1, timers: 0 });
  });
});

describe('who is there', () => {
  test('follows the notices, which may tell what the list already holds', () => {
    const page = new ScriptedPage();
    const people = [
      { member: 'm-own', user: 'ann' },
      { member: 'm-bob', user: 'bob' },
    ];
    const socket = page.welcome({ people, users: 2 });
    socket.receive(notice('joined', 'bob', 2));
    socket.receive(notice('joined', 'cem', 3));
    expect([page.people, page.users]).toEqual([['ann (you)', 'bob', 'cem'], 3]);
    socket.receive(notice('left', 'bob', 2));

    expect([page.people, page.users]).toEqual([['ann (you)', 'cem'], 2]);
  });

  test('is a number in a crowd', () => {
    const page = new ScriptedPage();
    page.welcome({ people: undefined, users: 4000 }).receive(notice('joined', 'bob', 4001));

    expect([page.people, page.users]).toEqual([undefined, 4001]);
  });

  test('becomes a number when the room grows into a crowd', () => {
    const page = new ScriptedPage();
    const socket = page.welcome();
    for (let index = 1; index <= 500; index += 1) socket.receive(notice('joined', `p${index}`, index));
    expect(page.people).toHaveLength(500);
    socket.receive(notice('joined', 'one too many', 501));

    expect([page.people, page.users]).toEqual([undefined, 501]);
  });
});

test('names of people and rooms are kept from meaning anything in an address', () => {
  const page = new ScriptedPage({ room: 'a/b?c#d' });

  expect(page.socket.url.pathname).toBe('/room/a%2Fb%3Fc%23d');
  expect(page.socket.url.searchParams.get('username')).toBe('ann');
});
