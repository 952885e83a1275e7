import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { App } from 'channelbox';
import { createChat, type ChatOptions } from '../../examples/chat/chat.ts';
import { pageFiles } from '../../examples/chat/page-files.ts';
import { bounds, cleanName, parsePosition } from '../../examples/chat/protocol.ts';
import { refusalOf, Visitor } from './chat-visitor.ts';

let app: App | undefined;
let address: string;

async function serve(options: ChatOptions = {}): Promise<void> {
  app = createChat({ http: pageFiles(), ...options });
  const { port }: AddressInfo = await app.listen(0, '127.0.0.1');
  address = `ws://127.0.0.1:${port}`;
}

afterEach(() => app?.close());

describe('a room', () => {
  beforeEach(() => serve());

  test('greets who comes with its history, then tells everybody, the newcomer too', async () => {
    const { visitor: ann, history } = await Visitor.enter(address, { room: 'r', username: 'ann' });

    expect(history).toMatchObject({ messages: [], recovered: true, users: 1, people: [{ user: 'ann' }] });
    expect(await ann.receive()).toEqual({
      type: 'system',
      message: 'ann joined the chat',
      timestamp: expect.any(Number),
      users: 1,
      event: 'joined',
      user: 'ann',
      member: history.member,
    });
  });

  test('sends what one says to all in it, with its position, and to nobody in another', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    const { visitor: elsewhere } = await Visitor.enter(address, { room: 'R', username: 'cem' });

    ann.say('hello', 'a1');
    const spoken = { type: 'chat', user: 'ann', message: 'hello', id: 'a1', position: expect.stringMatching(/:1$/) };
    expect(await ann.next('chat')).toMatchObject(spoken);
    expect(await bob.next('chat')).toMatchObject(spoken);
    elsewhere.say('alone');
    expect((await elsewhere.until('alone')).map(({ type }) => type)).toEqual(['system', 'chat']);
  });

  test('keeps what was said, however often a stranger comes and goes', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    for (let index = 0; index < 15; index += 1) ann.say(`precious ${index}`);
    await ann.until('precious 14');
    for (let index = 0; index < 60; index += 1) {
      const { visitor: stranger } = await Visitor.enter(address, { room: 'r', username: 'stranger' });
      await stranger.leave();
    }

    const { history } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    expect(history.messages.map(({ message }) => message)).toEqual(
      Array.from({ length: 15 }, (_, at) => `precious ${at}`),
    );
  });

  test('counts down when somebody leaves, and says who', async () => {
    const { visitor: ann, history } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    await bob.next('system');
    await ann.leave();

    expect(await bob.next('system')).toMatchObject({
      message: 'ann left the chat',
      event: 'left',
      users: 1,
      member: history.member,
    });
  });

  test('takes any name of a room that fits in a path', async () => {
    const room = 'ünter/der Brücke? 50%';
    const { visitor: ann } = await Visitor.enter(address, { room, username: 'ann' });
    const { history } = await Visitor.enter(address, { room, username: 'bob' });

    expect(history.people?.map(({ user }) => user)).toEqual(['ann', 'bob']);
    ann.say('found');
    await expect(ann.next('chat')).resolves.toMatchObject({ message: 'found' });
  });

  test('gives who returns every message since, once, in order', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    bob.say('one');
    const { position } = await ann.next('chat');
    await ann.leave();
    for (const text of ['two', 'three']) bob.say(text);
    await bob.until('three');
    const { visitor: again, history } = await Visitor.enter(address, { room: 'r', username: 'ann', since: position });
    bob.say('four');

    expect(history.recovered).toBe(true);
    const seen = [...history.messages, ...(await again.until('four'))];
    expect(seen.filter(({ type }) => type === 'chat').map((frame) => 'message' in frame && frame.message)).toEqual([
      'two',
      'three',
      'four',
    ]);
  });

  test('says so where the position is of an earlier life of the server, and takes none from a liar', async () => {
    const { history } = await Visitor.enter(address, { room: 'r', username: 'ann', since: '00000000-0:7' });
    const { history: lied } = await Visitor.enter(address, { room: 'r', username: 'bob', since: '%%:-1' });

    expect(history.recovered).toBe(false);
    expect(lied).toMatchObject({ recovered: true, users: 2 });
  });
});

describe('what is bounded', () => {
  test('a newcomer is shown the newest messages only', async () => {
    await serve({ historyMax: 3 });
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    for (const text of ['1', '2', '3', '4', '5']) ann.say(text);
    await ann.until('5');
    const { history } = await Visitor.enter(address, { room: 'r', username: 'bob' });

    expect(history.messages.map(({ message }) => message)).toEqual(['3', '4', '5']);
    expect(history.recovered).toBe(false);
  });

  test('a crowd is counted, not listed', async () => {
    await serve({ peopleMax: 2 });
    const { history: second } = await Visitor.enter(address, { room: 'r' }).then(() =>
      Visitor.enter(address, { room: 'r' }),
    );
    const { history: third } = await Visitor.enter(address, { room: 'r' });

    expect(second.people).toHaveLength(2);
    expect(third).not.toHaveProperty('people');
    expect(third.users).toBe(3);
  });

  test('one address may hold a hundred connections, and is answered 429 past them', async () => {
    await serve();
    await Promise.all(Array.from({ length: 100 }, () => Visitor.enter(address, { room: 'r' })));
    expect((await refusalOf(`${address}/room/r`)).status).toBe(429);
  });

  test('names are cleaned, and refused where they are too long', async () => {
    await serve();
    const { history } = await Visitor.enter(address, { room: 'r', username: ' a\u202en\tn\u0000 ' });
    const { history: nameless } = await Visitor.enter(address, { room: 's' });

    expect(history.people?.map(({ user }) => user)).toEqual(['an n']);
    expect(nameless.people?.map(({ user }) => user)).toEqual(['anonymous']);
    const longUser = `${address}/room/r?username=${'x'.repeat(bounds.userMax + 1)}`;
    expect(await refusalOf(longUser)).toEqual({ status: 400, body: 'a username has at most 32 characters\n' });
    const longRoom = `${address}/room/${'x'.repeat(bounds.roomMax + 1)}`;
    expect(await refusalOf(longRoom)).toEqual({ status: 400, body: "a room's name has at most 64 characters\n" });
  });

  test('who sends faster than a person is closed with 1008, and a load test may', async () => {
    await serve({ rateLimit: { messages: 1, perMs: 60_000, burst: 2 } });
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    for (const text of ['1', '2', '3']) ann.say(text);

    expect((await ann.closed).code).toBe(1008);
    await app?.close();
    await serve({ rateLimit: false });
    const { visitor: client } = await Visitor.enter(address, { room: 'r', username: 'client-0' });
    for (let index = 0; index < 100; index += 1) client.say(String(index));
    expect(await client.until('99')).toHaveLength(101);
  });
});

describe('what a client may not send', () => {
  beforeEach(() => serve());

  test.each([
    ['bad JSON', '{', 'bad-json', ''],
    ['an unknown type', '{"type":"shout"}', 'refused-by-schema', 'type is none of'],
    ['null', 'null', 'refused-by-schema', 'type is none of'],
    ['a blank message', '{"type":"message","content":" \\n"}', 'refused-by-schema', 'blank'],
    ['a number for a message', '{"type":"message","content":7}', 'refused-by-schema', 'no text'],
    [
      'a message too long',
      JSON.stringify({ type: 'message', content: 'x'.repeat(bounds.contentMax + 1) }),
      'refused-by-schema',
      '2001 characters, at most 2000',
    ],
    ['an id that is no text', '{"type":"message","content":"x","id":{}}', 'refused-by-schema', 'id is no text'],
  ])('%s is answered with what was wrong, to its sender alone, who stays', async (_what, data, code, message) => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    ann.sendRaw(data);
    const answer = await ann.next('error');
    ann.say('still here');

    expect(answer.code).toBe(code);
    expect(answer.message).toContain(message);
    expect((await bob.until('still here')).map(({ type }) => type)).toEqual(['system', 'chat']);
  });

  test('what is no text ends the connection with 1007, a frame beyond any message with 1009', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const { visitor: bob } = await Visitor.enter(address, { room: 'r', username: 'bob' });
    ann.sendRaw(Buffer.from([0xff, 0xfe]));
    bob.say('x'.repeat(20_000));

    expect((await ann.closed).code).toBe(1007);
    expect((await bob.closed).code).toBe(1009);
  });

  test('a message as long as allowed arrives whole, escapes and all', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    const content = '\u0001'.repeat(bounds.contentMax);
    ann.say(content);

    expect((await ann.next('chat')).message).toBe(content);
  });

  test('a ping is answered', async () => {
    const { visitor: ann } = await Visitor.enter(address, { room: 'r', username: 'ann' });
    ann.sendRaw('{"type":"ping"}');

    expect(await ann.next('pong')).toEqual({ type: 'pong' });
  });
});

describe('over plain HTTP', () => {
  beforeEach(() => serve());
  const http = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${address.replace('ws', 'http')}${path}`, init);

  test('the page comes with everything it names, and may load from nowhere else', async () => {
    const page = await http('/?room=lobby');
    const html = await page.text();

    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
    expect(new Set(named)).toEqual(new Set(['icon.svg', 'style.css', 'page.js']));
    const types = await Promise.all(named.map(async (path) => (await http(`/${path}`)).headers.get('content-type')));
    expect(types.every((type) => type !== null && !type.startsWith('text/plain'))).toBe(true);
  });

  test('every script that a script imports is there', async () => {
    const seen = new Set<string>();
    const look = async (name: string): Promise<void> => {
      if (seen.has(name)) return;
      seen.add(name);
      const response = await http(`/${name}`);
      expect(`${name} ${response.status}`).toBe(`${name} 200`);
      const imports = [...(await response.text()).matchAll(/^import .* from '\.\/(.+)';$/gm)];
      await Promise.all(imports.map(([, imported]) => look(imported as string)));
    };
    await look('page.js');

    expect(seen.has('chat-client.js')).toBe(true);
  });

  test('health tells that it is there and nothing more; other paths and methods are refused', async () => {
    const before = await (await http('/health')).text();
    await Visitor.enter(address, { room: 'r' });

    expect(await (await http('/health')).text()).toBe(before);
    expect(before).toBe('ok\n');
    expect((await http('/metrics')).status).toBe(404);
    expect((await http('/../server.ts')).status).toBe(404);
    expect((await http('/', { method: 'POST' })).status).toBe(405);
    expect(await (await http('/', { method: 'HEAD' })).text()).toBe('');
  });
});

test('a position is read as it was written, and nothing else is', async () => {
  await serve();
  expect(parsePosition('a:b-0:12')).toEqual({ epoch: 'a:b-0', offset: 12 });
  for (const text of [null, '', ':1', 'a:', 'a:1.5', 'a:-1', 'a:9999999999999999']) {
    expect(parsePosition(text)).toBeUndefined();
  }
});

test('a name is what can be seen of it', () => {
  expect(cleanName('  Zoë \u2066 👩‍🌾 ')).toBe('Zoë 👩‍🌾');
  const invisible = [
    '\u200b',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u3164',
    '\u115f',
    '\u034f',
    '\ufe0f',
    '\u{e0061}',
    '\u2800',
    '\u202e',
  ];
  for (const hidden of invisible) {
    expect(cleanName(`A${hidden}nn`).replace(' ', ''), hidden.codePointAt(0)?.toString(16)).toBe('Ann');
    expect(cleanName(`Ann${hidden}`), hidden.codePointAt(0)?.toString(16)).toBe('Ann');
    expect(cleanName(hidden), hidden.codePointAt(0)?.toString(16)).toBe('');
  }
  expect(cleanName('Zoe\u0308')).toBe(cleanName('Zoë'));
});
