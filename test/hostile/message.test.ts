import { ChannelBox, consumer, rateLimit, type App, type StandardSchemaV1 } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Arena } from './arena.ts';
import { close, text } from './frames.ts';

/** A schema of messages that know one type. */
const known: StandardSchemaV1<unknown, { type: 'say'; said: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      (value as { type?: unknown }).type === 'say'
        ? { value: value as { type: 'say'; said: string } }
        : { issues: [{ message: 'a type that is not known', path: ['type'] }] },
  },
};

describe('of JSON that is odd but allowed', () => {
  test.each([
    ['a key that comes twice', '{"a":1,"a":2}', '{"a":2}'],
    ['a number past all', '{"a":1e400}', '{"a":null}'],
    ['a number with more digits than there are', '{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['minus nought', '[-0]', '[0]'],
  ])('%s is what JSON.parse makes of it', async (_what, said, back) => {
    await using arena = await Arena.open();
    const client = await arena.upgraded('/json');

    client.write(text(said));

    expect(await client.text()).toBe(back);
  });
});

describe('a message of a type that nobody knows', () => {
  test('closes with 1007', async () => {
    await using arena = await Arena.open({
      routes: (app) => app.addWsRoute(consumer('/typed', { encoding: 'json', schema: known })),
    });
    const client = await arena.upgraded('/typed');

    client.write(text('{"type":"nothing"}'));

    expect(await client.closeCode()).toBe(1007);
    expect(arena.seriousLogs).toEqual([]);
  });

  test('is answered where onInvalid does so, and the socket lives on', async () => {
    await using arena = await Arena.open({
      routes: (app) =>
        app.addWsRoute(
          consumer('/typed', {
            encoding: 'json',
            schema: known,
            onReceive(_ws, { said }) {
              return this.send({ heard: said });
            },
            onInvalid(_ws, { issues }) {
              return this.send({ refused: issues.map(({ path }) => path) });
            },
          }),
        ),
    });
    const client = await arena.upgraded('/typed');

    client.write(text('{"type":"nothing"}'), text('{"type":"say","said":"on"}'));

    expect([await client.text(), await client.text()]).toEqual(['{"refused":[["type"]]}', '{"heard":"on"}']);
  });
});

test('a burst over the rate closes with 1008, and what came before it is answered', async () => {
  await using arena = await Arena.open({
    routes: (app) =>
      app.addWsRoute(
        consumer('/limited', {
          encoding: 'text',
          middleware: [rateLimit({ messages: 10, perMs: 1_000, burst: 10 })],
          onReceive(_ws, said) {
            return this.sendText(String(said));
          },
        }),
      ),
  });
  const client = await arena.upgraded('/limited');

  client.write(...Array.from({ length: 200 }, (_, at) => text(String(at))));

  for (let at = 0; at < 10; at += 1) expect(await client.text()).toBe(String(at));
  expect(await client.closeCode()).toBe(1008);
  client.destroy();
  await arena.expectUndisturbed();
});

test('a send after the close is the value closed, by every call', async () => {
  const outcomes: unknown[] = [];
  await using arena = await Arena.open({
    routes: (app) =>
      app.wsRoute('/late', async (ws) => {
        await ws.accept();
        await ws.receive().catch(() => {});
        outcomes.push(await ws.sendText('x'), await ws.sendBytes(Uint8Array.of(1)), await ws.sendJson({}));
        outcomes.push(await ws.send('x'), await ws.channel.send('x'), await app.channelBox.sendTo(ws.id, 'x'));
      }),
  });
  const client = await arena.upgraded('/late');

  client.write(close(1000));

  await arena.until(() => outcomes.length === 6, 'all were tried');
  expect(new Set(outcomes)).toEqual(new Set(['closed']));
});

describe('a publish amid a publish', () => {
  /** Three members of one room; what `during` does happens while a message is handed to them. */
  async function deliver(during: (app: App, first: { leave(): unknown }) => void): Promise<number[]> {
    let isIn = false;
    const joined: { leave(): unknown }[] = [];
    const box: ChannelBox = new ChannelBox({
      frame: ({ payload }) => {
        if (!isIn) {
          isIn = true;
          during(arena.app, joined[0] as { leave(): unknown });
        }
        return payload;
      },
    });
    await using arena = await Arena.open({
      channelBox: box,
      routes: (app) =>
        app.wsRoute('/room', async (ws) => {
          await ws.accept();
          await ws.join('room');
          joined.push({ leave: () => ws.leave('room') });
          await ws.receive();
        }),
    });
    const clients = [await arena.upgraded('/room'), await arena.upgraded('/room'), await arena.upgraded('/room')];
    await arena.until(() => arena.app.inspect().memberships === 3, 'they have joined');
    const { members } = await box.groupSend('room', 'outer', { saveHistory: true });
    await box.groupSend('room', 'last');
    const heard = await Promise.all(
      clients.slice(1).map(async (client) => {
        const texts: (string | undefined)[] = [];
        while (texts.at(-1) !== '"last"') texts.push(await client.text());
        return texts.length;
      }),
    );
    return [members, ...heard];
  }

  test('waits for nothing and is heard once by each', async () => {
    expect(await deliver((app) => void app.channelBox.groupSend('room', 'inner'))).toEqual([3, 3, 3]);
  });

  test('in which a member leaves, reaches each of the others once', async () => {
    expect(await deliver((_app, first) => void first.leave())).toEqual([2, 2, 2]);
  });
});

test('a message each in twenty thousand groups costs no more than all of history may', async () => {
  await using arena = await Arena.open({ channelBox: new ChannelBox({ historyTotalBytes: 1_048_576 }) });
  const { channelBox } = arena.app;
  for (let at = 0; at < 20_000; at += 1) {
    const sent = channelBox.groupSend(`group ${at}`, at % 2 === 0 ? '' : 'x', { saveHistory: true });
    if (at % 1_000 === 0) await sent;
  }
  expect(arena.app.inspect().historyBytes).toBeLessThanOrEqual(1_048_576);
  expect((await channelBox.showHistory('group 19999')).messages).toHaveLength(1);
  expect((await channelBox.showHistory('group 0')).messages).toHaveLength(0);
});
