import { ChannelBoxError, consumer, type App } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Arena } from './arena.ts';
import { text } from './frames.ts';
import { handshake } from './raw-client.ts';

/** What a stranger chooses, in the path or in a message, and what becomes of it. */
function routes(app: App): void {
  app.wsRoute('/item/{id:int}', async (ws) => {
    await ws.accept();
    await ws.sendJson({ id: ws.params.id });
  });
  app.wsRoute('/v{major:int}-x/{rest:path}', async (ws) => {
    await ws.accept();
    await ws.sendJson(ws.params);
  });
  app.wsRoute('/query', async (ws) => {
    await ws.accept();
    await ws.sendJson({ first: ws.query.get('a'), all: ws.query.getAll('a') });
  });
  app.addWsRoute(
    consumer('/groups', {
      encoding: 'json',
      async onReceive(ws, asked) {
        try {
          const joined = await ws.join((asked as { name: string }).name);
          await this.send({ joined, members: (await this.group((asked as { name: string }).name)).length });
        } catch (error) {
          if (!(error instanceof ChannelBoxError)) throw error;
          await this.send({ refused: error.code });
        }
      },
    }),
  );
}

describe('a number in a path', () => {
  test.each([
    '1e9',
    'NaN',
    '0x10',
    '1.0',
    '+1',
    '９',
    '1_000',
    '99999999999999999999',
    '9007199254740993',
    '--1',
    '1%00',
  ])('%s is none, and no route takes it', async (written) => {
    await using arena = await Arena.open({ routes });
    const client = await arena.raw();

    client.write(handshake(`GET /item/${encodeURI(written)} HTTP/1.1`));

    expect((await client.answer())?.status).toBe(404);
    client.destroy();
    await arena.expectUndisturbed();
  });

  test.each([
    ['0', 0],
    ['-1', -1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is one', async (written, id) => {
    await using arena = await Arena.open({ routes });
    const client = await arena.upgraded(`/item/${written}`);

    expect(JSON.parse((await client.text()) as string)).toEqual({ id });
  });
});

test('a path made to make a matcher try again and again is judged once', async () => {
  await using arena = await Arena.open({ routes });
  const client = await arena.raw();

  client.write(handshake(`GET /v${'1'.repeat(3_000)}-${'x-'.repeat(2_000)} HTTP/1.1`));

  expect((await client.answer())?.status).toBe(404);
  client.destroy();
  await arena.expectUndisturbed();
});

test('of a query that names a key twice, the first is what get gives, and both are there', async () => {
  await using arena = await Arena.open({ routes });
  const client = await arena.upgraded('/query?a=1&a=2');

  expect(JSON.parse((await client.text()) as string)).toEqual({ first: '1', all: ['1', '2'] });
});

describe('a group whose name a stranger sends', () => {
  test.each([
    ['empty', ''],
    ['of 256 bytes', 'x'.repeat(256)],
    ['of 128 letters of two bytes', 'é'.repeat(128)],
    ['with half a surrogate pair', '\ud800'],
    ['a number', 7],
    ['null', null],
    ['an object', {}],
    ['left out', undefined],
  ])('%s is refused with a code, and the socket lives on', async (_what, name) => {
    await using arena = await Arena.open({ routes });
    const client = await arena.upgraded('/groups');

    client.write(text(JSON.stringify({ name })), text('{"name":"fine"}'));

    const answers = [
      JSON.parse((await client.text()) as string),
      JSON.parse((await client.text()) as string),
    ] as unknown[];
    const code = typeof name === 'string' && name.length > 1 ? 'CHANNELBOX_GROUP_NAME_BYTES' : 'CHANNELBOX_GROUP_NAME';
    const refused = name === undefined ? { joined: 'CHANNEL_ADDED', members: 1 } : { refused: code };
    expect(answers).toEqual([refused, { joined: 'CHANNEL_ADDED', members: 1 }]);
    client.destroy();
    await arena.expectUndisturbed();
    expect(arena.seriousLogs).toEqual([]);
    expect(arena.app.inspect()).toMatchObject({ groups: 0, memberships: 0 });
  });

  test.each([
    '__proto__',
    'constructor',
    'hasOwnProperty',
    '{}',
    '{x}y',
    '*',
    '?',
    '[a-z]',
    'a\nb',
    '\0',
    ':meta',
    'channelbox:leases',
    ' ',
    'é',
    'é',
  ])('%j is a name like any other', async (name) => {
    await using arena = await Arena.open({ routes });
    const client = await arena.upgraded('/groups');

    client.write(text(JSON.stringify({ name })));

    expect(JSON.parse((await client.text()) as string)).toEqual({ joined: 'CHANNEL_ADDED', members: 1 });
    client.destroy();
    await arena.expectUndisturbed();
    expect({}.constructor).toBe(Object);
    expect(arena.app.inspect()).toMatchObject({ groups: 0, memberships: 0 });
  });

  test('in two spellings of one letter is two groups', async () => {
    await using arena = await Arena.open({ routes });
    const [one, other] = [await arena.upgraded('/groups'), await arena.upgraded('/groups')];

    one.write(text(JSON.stringify({ name: '\u00e9' })));
    await one.text();
    other.write(text(JSON.stringify({ name: 'e\u0301' })));

    expect(JSON.parse((await other.text()) as string)).toEqual({ joined: 'CHANNEL_ADDED', members: 1 });
  });

  test('is refused as the 129th of one socket, which keeps the others', async () => {
    await using arena = await Arena.open({ routes });
    const client = await arena.upgraded('/groups');

    client.write(...Array.from({ length: 129 }, (_, at) => text(`{"name":"${at}"}`)));

    const answers: unknown[] = [];
    while (answers.length < 129) answers.push(JSON.parse((await client.text()) as string));
    expect(answers.slice(0, 128)).toEqual(Array.from({ length: 128 }, () => ({ joined: 'CHANNEL_ADDED', members: 1 })));
    expect(answers[128]).toEqual({ refused: 'CHANNELBOX_GROUPS_PER_CHANNEL' });
    expect(arena.app.inspect().memberships).toBe(128);
    client.destroy();
    await arena.expectUndisturbed();
  });
});
