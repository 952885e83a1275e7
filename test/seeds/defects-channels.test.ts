/** What Nexios's websockets/channels.py gets wrong, and channelbox does not. */
import {
  App,
  BoxError,
  Channel,
  ChannelBox,
  consumer,
  PayloadTypeEnum,
  type ChannelBoxOptions,
  type Delivery,
  type Handler,
  type Limits,
  type PayloadType,
} from 'channelbox';
import { testApp, type TestApp, type TestClient } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Whoever connects to /room/{name} is in that room, and what it says is kept. */
function rooms(options: { box?: ChannelBoxOptions; limits?: Partial<Limits>; expires?: number } = {}): App {
  const { box = {}, limits = {}, expires = null } = options;
  return new App({ logger: quiet, channelBox: new ChannelBox(box), limits }).addWsRoute(
    consumer('/room/{name}', {
      encoding: 'json',
      expires,
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
      async onReceive(ws, data) {
        await this.broadcast(data, ws.params.name, { saveHistory: true });
      },
    }),
  );
}

function appOf(handler: Handler): TestApp {
  return testApp(new App({ logger: quiet }).wsRoute('/x', handler));
}

/** A member that answers nothing and reads nothing, with more written to it than a turn takes away. */
async function stall(t: TestApp, slow: TestClient): Promise<Delivery> {
  slow.pause();
  await t.app.channelBox.groupSend('tea', 'x'.repeat(2048));
  await t.settle();
  return t.app.channelBox.groupSend('tea', 'next');
}

describe('websockets/channels.py: Channel', () => {
  test('expires is optional: a bare channel never expires', async () => {
    await using t = appOf(async (ws) => {
      const channel = new Channel(ws);
      await ws.accept();
      await ws.sendJson({ expires: channel.expires, expiresAt: channel.expiresAt });
      await ws.receive();
    });

    const ann = await t.connect('/x');

    await ann.expect({ expires: null, expiresAt: null });
    await ann.expectNothing({ for: '20s' });
  });

  test.each(Object.entries(PayloadTypeEnum))('a payload type may be the member %s of the enum', async (_name, type) => {
    const types: PayloadType[] = [];
    await using t = appOf(async (ws) => {
      types.push(new Channel(ws, { payloadType: type }).payloadType);
      await ws.accept();
    });

    await t.connect('/x');

    expect(types).toEqual([type]);
  });

  test('created stays what it was, and the expiry slides with what is sent and what is received', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      const channel = new Channel(ws, { expires: 60 });
      const born = channel.created;
      for await (const text of ws.iterText()) {
        if (text === 'quiet') continue;
        await ws.sendJson({ age: channel.created - born, left: (channel.expiresAt ?? 0) - ws.app.clock.now() / 1000 });
      }
    });
    const ann = await t.connect('/x');

    await t.clock.advance('20s');
    ann.sendText('quiet');
    await t.clock.advance('20s');
    ann.sendText('tell');
    await ann.expect({ age: 0, left: 60 });
    await t.clock.advance('59s');

    expect(ann.isOpen).toBe(true);
    await t.clock.advance('1s');
    await ann.expectClosed({ code: 4408 });
  });

  test('a send to a channel that has gone says so', async () => {
    const outcomes: string[] = [];
    await using t = appOf(async (ws) => {
      await ws.accept();
      await ws.receive().catch(() => {});
      outcomes.push(await ws.channel.send('too late'));
    });
    const ann = await t.connect('/x');

    await ann.close();

    expect(outcomes).toEqual(['closed']);
  });
});

describe('websockets/channels.py: group_send', () => {
  test('a dead member keeps nobody from the message', async () => {
    await using t = testApp(rooms());
    const [first, dead, third] = await t.connectAll(3, '/room/tea');

    dead.drop();
    const delivery = await t.app.channelBox.groupSend('tea', 'hi');

    await first.expect('"hi"');
    await third.expect('"hi"');
    expect(delivery.sent).toBeGreaterThanOrEqual(2);
    expect(delivery.sent + delivery.queued + delivery.dropped + delivery.closed).toBe(delivery.members);
  });

  test('members come and go while a message is on its way', async () => {
    await using t = testApp(rooms());
    const clients = await t.connectAll(3, '/room/tea');
    const { channelBox } = t.app;

    const sending = channelBox.groupSend('tea', 'hi');
    const flushing = channelBox.flushGroups();

    expect(await sending).toMatchObject({ status: 'GROUP_SEND', members: 3, sent: 3 });
    await flushing;
    for (const client of clients) await client.expect('"hi"');
    expect(await channelBox.groupSend('tea', 'nobody')).toMatchObject({ status: 'NO_SUCH_GROUP', members: 0 });
  });

  test('a slow member delays nobody: it is closed, and its message counts as dropped', async () => {
    await using t = testApp(rooms({ limits: { maxBufferedBytes: 1024 } }));
    const [slow, quick] = await t.connectAll(2, '/room/tea');

    const delivery = await stall(t, slow);

    expect(delivery).toMatchObject({ members: 2, sent: 1, dropped: 1 });
    await quick.waitFor('"next"');
    slow.resume();
    await slow.expectClosed({ code: 1013 });
  });

  test('a payload that JSON cannot carry is refused before anyone is sent to', async () => {
    await using t = testApp(rooms());
    const ann = await t.connect('/room/tea');

    await expect(t.app.channelBox.groupSend('tea', { big: 1n })).rejects.toBeInstanceOf(BoxError);

    await ann.expectNothing();
  });
});

describe('websockets/channels.py: groups', () => {
  test('the documented broadcast and leave in onDisconnect reach the others, and leak nobody', async () => {
    const app = new App({ logger: quiet }).addWsRoute(
      consumer('/room/{name}', {
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(ws.params.name);
        },
        async onDisconnect(ws) {
          const users = (await this.group(ws.params.name)).length;
          await this.broadcast({ left: true, users }, ws.params.name);
          await this.leaveGroup(ws.params.name);
        },
      }),
    );
    await using t = testApp(app);
    const [ann, bob] = await t.connectAll(2, '/room/tea');

    bob.drop();

    await ann.expect({ left: true, users: 1 });
    expect(app.inspect()).toMatchObject({ memberships: 1 });
  });

  test('joining says what became of this channel, not of the group', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      await ws.sendJson([await ws.join('room'), await ws.join('room')]);
      await ws.receive();
    });
    const [ann, bob] = await t.connectAll(2, '/x');

    await ann.expect(['CHANNEL_ADDED', 'CHANNEL_EXIST']);
    await bob.expect(['CHANNEL_ADDED', 'CHANNEL_EXIST']);
  });

  test('leaving always says what it did', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      const none = await ws.leave('room');
      await t.app.channelBox.add(ws.channel, 'room');
      const [first] = await t.app.channelBox.members('room');
      await ws.sendJson({ none, isFirst: first?.uuid === ws.id, stranger: await ws.leave('other') });
      await ws.receive();
      await ws.sendJson(await ws.leave('room'));
      await ws.sendJson(await ws.leave('room'));
      await ws.receive();
    });
    const ann = await t.connect('/x');
    await ann.expect({ none: 'GROUP_DOES_NOT_EXIST', isFirst: true, stranger: 'GROUP_DOES_NOT_EXIST' });
    const bob = await t.connect('/x');
    await bob.expect((frame: { isFirst: boolean }) => !frame.isFirst);

    ann.sendText('leave');
    await ann.expectSequence(['"CHANNEL_REMOVED"', '"CHANNEL_DOES_NOT_EXIST"']);
    bob.sendText('leave');
    await bob.expectSequence(['"GROUP_REMOVED"', '"GROUP_DOES_NOT_EXIST"']);
  });

  test('showGroups is a copy: changing it changes no group', async () => {
    await using t = testApp(rooms());
    await t.connect('/room/tea');
    const { channelBox } = t.app;

    const groups = await channelBox.showGroups();
    groups.get('tea')?.splice(0);
    groups.clear();

    expect(await channelBox.members('tea')).toHaveLength(1);
  });

  test('two apps share nothing', async () => {
    await using t = testApp(rooms());
    await using other = testApp(rooms());
    await t.connect('/room/tea');
    const stranger = await other.connect('/room/tea');

    await t.app.channelBox.groupSend('tea', 'hi', { saveHistory: true });

    await stranger.expectNothing();
    expect((await other.app.channelBox.showHistory('tea')).messages).toEqual([]);
    await t.app.channelBox.closeAllConnections();
    expect(stranger.isOpen).toBe(true);
  });

  test('closeAllConnections closes all at once, with a code, also who is in no group', async () => {
    await using t = appOf(async (ws) => {
      await ws.accept();
      await ws.receive();
    });
    const clients = await t.connectAll(3, '/x');

    expect(await t.app.channelBox.closeAllConnections({ code: 1012, reason: 'restart' })).toBe(3);

    for (const client of clients) await client.expectClosed({ code: 1012, reason: 'restart' });
  });
});

describe('websockets/channels.py: _clean_expired', () => {
  test('expired channels leave and close by themselves, many at once, and others stay', async () => {
    await using t = testApp(rooms({ expires: 10 }));
    const clients = await t.connectAll(5, '/room/tea');
    await t.clock.advance('6s');
    const late = await t.connect('/room/tea');

    await t.clock.advance('4s');

    for (const client of clients) await client.expectClosed({ code: 4408 });
    expect(late.isOpen).toBe(true);
    expect(await t.app.channelBox.members('tea')).toHaveLength(1);
  });

  test('cleanExpired finds nothing that the timer has left', async () => {
    await using t = testApp(rooms({ expires: 10 }));
    const [ann] = await t.connectAll(2, '/room/tea');
    await t.clock.advance('10s');

    await ann.expectClosed({ code: 4408 });

    expect(await t.app.channelBox.cleanExpired()).toBe(0);
  });
});

describe('websockets/channels.py: history', () => {
  const kilobyte = 'x'.repeat(1022);

  test('the limit is bytes of payload: five messages of a megabyte do not fit into one', async () => {
    await using t = testApp(rooms());
    const { channelBox } = t.app;
    const megabyte = 'x'.repeat(1024 * 1024 - 2);

    for (let count = 0; count < 5; count += 1) await channelBox.groupSend('tea', megabyte, { saveHistory: true });

    expect((await channelBox.showHistory('tea')).messages).toHaveLength(1);
    // What lies around the one message and its group is counted too.
    expect(t.app.inspect().historyBytes).toBeLessThanOrEqual(1024 * 1024 + 512 + 1024);
  });

  test('past the limit the oldest leave, and the newest stay', async () => {
    await using t = testApp(rooms({ box: { historySize: 3 * 1024 } }));
    const { channelBox } = t.app;

    for (let count = 1; count <= 5; count += 1) {
      await channelBox.groupSend('tea', `${count}${kilobyte}`, { saveHistory: true });
    }

    const { messages } = await channelBox.showHistory('tea');
    expect(messages.map(({ payload }) => String(payload)[0])).toEqual(['3', '4', '5']);
  });

  test('every message has its own uuid and time', async () => {
    await using t = testApp(rooms());
    const { channelBox } = t.app;

    await channelBox.groupSend('tea', 'one', { saveHistory: true });
    await t.clock.advance('2s');
    await channelBox.groupSend('tea', 'two', { saveHistory: true });

    const { messages } = await channelBox.showHistory('tea');
    expect(new Set(messages.map(({ uuid }) => uuid)).size).toBe(2);
    expect((messages[1]?.created ?? 0) - (messages[0]?.created ?? 0)).toBe(2);
  });

  test('the history of a group is a page, known or not; without a name it is a map of pages', async () => {
    await using t = testApp(rooms());
    const { channelBox } = t.app;
    await channelBox.groupSend('tea', 'one', { saveHistory: true });

    const known = await channelBox.showHistory('tea');
    const unknown = await channelBox.showHistory('nowhere');
    const all = await channelBox.showHistory();

    expect([known.messages.length, unknown.messages.length]).toEqual([1, 0]);
    expect([...all.keys()]).toEqual(['tea']);
    expect(all.get('tea')).toEqual(known);
  });

  test('one group is flushed alone', async () => {
    await using t = testApp(rooms());
    const { channelBox } = t.app;
    await channelBox.groupSend('tea', 'one', { saveHistory: true });
    await channelBox.groupSend('coffee', 'one', { saveHistory: true });

    await channelBox.flushHistory('tea');

    expect((await channelBox.showHistory('tea')).messages).toEqual([]);
    expect((await channelBox.showHistory('coffee')).messages).toHaveLength(1);
  });
});
