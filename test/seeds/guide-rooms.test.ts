/** Twins of the long guide's rooms. */
import {
  App,
  Channel,
  ChannelBox,
  consumer,
  PayloadTypeEnum,
  WebSocketConsumer,
  WebSocketEndpoint,
  WSRouter,
  type Params,
  type WebSocket,
} from 'channelbox';
import { testApp } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);
/** The guide's `time.time()`, on the app's clock. */
const time = (ws: WebSocket<Params>): number => ws.app.clock.now() / 1000;

beforeEach(() => {
  printed.length = 0;
});

/** Rooms by path: whoever connects is in the room. */
function roomApp(channelBox: ChannelBox): App {
  return new App({ channelBox }).addWsRoute(
    consumer('/room/{name}', {
      encoding: 'json',
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

interface Said {
  readonly user: string;
  readonly message: string;
}

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  test('Basic Room Operations 1: a function makes its channel, joins, broadcasts and cleans up', async () => {
    const wsRouter = new WSRouter().wsRoute('/room/{room_name}', async (ws, { room_name: roomName }) => {
      await ws.accept();
      const channel = new Channel(ws, { payloadType: PayloadTypeEnum.JSON, expires: 3600 });
      await ws.channelBox.addChannelToGroup(channel, roomName);
      try {
        while (true) {
          const data = await ws.receiveJson<Said>();
          await ws.channelBox.groupSend(
            roomName,
            { user: data.user, message: data.message, timestamp: time(ws) },
            { saveHistory: true },
          );
        }
      } catch (error) {
        print(`Error: ${(error as Error).message}`);
      } finally {
        await ws.channelBox.removeChannelFromGroup(channel, roomName);
        await ws.close();
      }
    });
    await using t = testApp(new App().mountWsRouter(wsRouter), { transport });
    const [ann, bob] = await t.connectAll(2, '/room/lobby');
    const timestamp = t.clock.now() / 1000;

    ann.sendJson({ user: 'ann', message: 'hi' });

    await ann.expect({ user: 'ann', message: 'hi', timestamp });
    await bob.expect({ user: 'ann', message: 'hi', timestamp });
    await ann.close(1000);
    expect(await t.app.channelBox.members('lobby')).toHaveLength(1);
    expect((await t.app.channelBox.showHistory('lobby')).messages).toHaveLength(1);
    expect(printed).toEqual(['Error: the connection ended with 1000']);
  });

  test('Basic Room Operations 2: a class does the same', async () => {
    class ChatEndpoint extends WebSocketConsumer<Said> {
      override readonly encoding = 'json';

      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        const roomName = String(ws.scope.pathParams['room_name']);
        await this.joinGroup(roomName);
        await this.broadcast({ system: `New user joined ${roomName}` }, roomName);
      }

      override async onReceive(ws: WebSocket, data: Said): Promise<void> {
        const roomName = String(ws.scope.pathParams['room_name']);
        const payload = { user: data.user, message: data.message, timestamp: time(ws) };
        await this.broadcast(payload, roomName, { saveHistory: true });
      }

      override async onDisconnect(ws: WebSocket, _closeCode: number): Promise<void> {
        const roomName = String(ws.scope.pathParams['room_name']);
        await this.broadcast({ system: `User left ${roomName}` }, roomName);
        await this.leaveGroup(roomName);
      }
    }
    const app = new App().addWsRoute(ChatEndpoint.asRoute('/room/{room_name}'));
    await using t = testApp(app, { transport, strict: true });
    const ann = await t.connect('/room/lobby');
    const bob = await t.connect('/room/lobby');

    bob.sendJson({ user: 'bob', message: 'hi' });
    const said = { user: 'bob', message: 'hi', timestamp: t.clock.now() / 1000 };
    await bob.expectSequence([{ system: 'New user joined lobby' }, said]);
    await bob.close();

    const joined = { system: 'New user joined lobby' };
    await ann.expectSequence([joined, joined, said, { system: 'User left lobby' }]);
    expect(await app.channelBox.members('lobby')).toHaveLength(1);
  });

  test('Room Management Features 1: all rooms, and the channels of one', async () => {
    const box = new ChannelBox();
    await using t = testApp(roomApp(box), { transport });
    await t.connectAll(2, '/room/room_name');
    await t.connect('/room/other');

    const rooms = await box.showGroups();
    const channels = (await box.showGroups()).get('room_name') ?? [];

    expect([...rooms.keys()].toSorted()).toEqual(['other', 'room_name']);
    expect(channels).toHaveLength(2);
  });

  test('Room Management Features 2: the history is shown and flushed', async () => {
    const box = new ChannelBox();
    await using t = testApp(roomApp(box), { transport });
    const ann = await t.connect('/room/room_name');
    ann.sendJson({ text: 'kept' });
    await ann.expect({ text: 'kept' });

    const history = await box.showHistory('room_name');
    await box.flushHistory();

    expect(history.messages.map(({ payload }) => payload)).toEqual([{ text: 'kept' }]);
    expect((await box.showHistory('room_name')).messages).toEqual([]);
  });

  test('Room Management Features 3: a message to one channel', async () => {
    const box = new ChannelBox();
    await using t = testApp(roomApp(box), { transport });
    const ann = await t.connect('/room/room_name');
    const bob = await t.connect('/room/room_name');
    const [, ofBob] = await box.members('room_name');

    const channelId = ofBob?.uuid ?? '';
    const outcome = await box.sendTo(channelId, { private: 'message' });

    expect(outcome).toBe('sent');
    await bob.expect({ private: 'message' });
    await ann.expectNothing();
  });

  test('Room Management Features 4: all connections close; expired channels go by themselves', async () => {
    const box = new ChannelBox();
    await using t = testApp(roomApp(box), { transport });
    const [ann, bob] = await t.connectAll(2, '/room/room_name');
    expect(await box.cleanExpired()).toBe(0);

    expect(await box.closeAllConnections()).toBe(2);

    await ann.expectClosed({ code: 1000 });
    await bob.expectClosed({ code: 1000 });
    const late = await t.connect('/room/room_name');
    await t.clock.advance('1h');
    await late.expectClosed({ code: 4408 });
  });

  test('Complete Chat Room Example 1: notices count who is there, and the history has them all', async () => {
    interface Frame {
      readonly type?: string;
      readonly content: string;
    }
    class ChatRoom extends WebSocketEndpoint<Frame> {
      override readonly encoding = 'json';
      room = '';
      user = '';

      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        this.room = String(ws.scope.pathParams['room_id']);
        this.user = ws.scope.queryParams.get('username') ?? 'anonymous';
        await this.joinGroup(this.room);
        await this.notice(`${this.user} joined the chat`);
      }

      override async onReceive(ws: WebSocket, data: Frame): Promise<void> {
        if (data.type !== 'message') return;
        const chat = { type: 'chat', user: this.user, message: data.content, timestamp: time(ws) };
        await this.broadcast(chat, this.room, { saveHistory: true });
      }

      /** The channel has left by now, so that no one need be taken off the count. */
      override async onDisconnect(_ws: WebSocket, _closeCode: number): Promise<void> {
        await this.notice(`${this.user} left the chat`);
        await this.leaveGroup(this.room);
      }

      async notice(message: string): Promise<void> {
        const timestamp = time(this.websocket);
        const payload = { type: 'system', message, timestamp, users: await this.getUserCount() };
        await this.broadcast(payload, this.room, { saveHistory: true });
      }

      async getUserCount(): Promise<number> {
        const channels = await this.group(this.room);
        return channels.length;
      }
    }
    const app = new App().addWsRoute(ChatRoom.asRoute('/chat/{room_id}'));
    await using t = testApp(app, { transport, strict: true });
    const timestamp = t.clock.now() / 1000;
    const system = (message: string, users: number): object => ({ type: 'system', message, timestamp, users });
    const ann = await t.connect('/chat/tea', { query: { username: 'ann' } });
    const guest = await t.connect('/chat/tea');

    guest.sendJson({ type: 'typing' });
    guest.sendJson({ type: 'message', content: 'hi' });
    const chat = { type: 'chat', user: 'anonymous', message: 'hi', timestamp };
    await guest.expectSequence([system('anonymous joined the chat', 2), chat]);
    await guest.close();

    const frames = [
      system('ann joined the chat', 1),
      system('anonymous joined the chat', 2),
      chat,
      system('anonymous left the chat', 1),
    ];
    await ann.expectSequence(frames);
    const { messages } = await app.channelBox.showHistory('tea');
    expect(messages.map(({ payload }) => payload)).toEqual(frames);
  });
});
