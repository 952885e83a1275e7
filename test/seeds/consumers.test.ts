/** Twins of the consumers page, as classes: the way the page itself writes them. */
import { App, status, WebSocketConsumer, WebsocketRoutes, type Middleware, type WebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

interface User {
  readonly id: number;
  readonly name: string;
}

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: print };

beforeEach(() => {
  printed.length = 0;
});

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  test('Consumer Basics 1: a consumer joins, broadcasts what it receives and leaves', async () => {
    class ChatConsumer extends WebSocketConsumer {
      override readonly encoding = 'json';

      override async onConnect(websocket: WebSocket): Promise<void> {
        await websocket.accept();
        await this.joinGroup('general_chat');
      }

      override async onReceive(_websocket: WebSocket, data: unknown): Promise<void> {
        await this.broadcast(data, 'general_chat');
      }

      override async onDisconnect(_websocket: WebSocket, _closeCode: number): Promise<void> {
        await this.leaveGroup('general_chat');
      }
    }
    await using t = testApp(new App().addWsRoute(ChatConsumer.asRoute('/chat')), { transport });
    const [ann, bob] = await t.connectAll(2, '/chat');

    ann.sendJson({ text: 'hi' });

    await ann.expect({ text: 'hi' });
    await bob.expect({ text: 'hi' });
    await ann.close();
    expect(await t.app.channelBox.members('general_chat')).toHaveLength(1);
  });

  test('Automatic Message Decoding 1: data arrives decoded, as json, text or bytes', async () => {
    class MyConsumer extends WebSocketConsumer<{ message: string }> {
      override readonly encoding = 'json';

      override onReceive(_ws: WebSocket, data: { message: string }): void {
        print(data.message);
      }
    }
    class TextConsumer extends WebSocketConsumer<string> {
      override readonly encoding = 'text';

      override onReceive(_ws: WebSocket, data: string): void {
        print(data);
      }
    }
    class BytesConsumer extends WebSocketConsumer<Uint8Array> {
      override readonly encoding = 'bytes';

      override onReceive(_ws: WebSocket, data: Uint8Array): void {
        print(String(data.byteLength));
      }
    }
    const app = new App()
      .addWsRoute(MyConsumer.asRoute('/json'))
      .addWsRoute(TextConsumer.asRoute('/text'))
      .addWsRoute(BytesConsumer.asRoute('/bytes'));
    await using t = testApp(app, { transport });

    (await t.connect('/json')).sendJson({ message: 'parsed' });
    await t.settle();
    (await t.connect('/text')).sendText('as it is');
    await t.settle();
    (await t.connect('/bytes')).sendBytes(new Uint8Array(3));
    await t.settle();

    expect(printed).toEqual(['parsed', 'as it is', '3']);
  });

  test('Built-in Channel Management 1: each connection has a channel with an id and an expiry', async () => {
    class ChannelConsumer extends WebSocketConsumer {
      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        print(`New channel ID: ${this.channel.uuid}`);
        print(`Expires at: ${this.channel.created + (this.channel.expires ?? Infinity)}`);
        print(`Expires at: ${this.channel.expiresAt}`);
      }
    }
    await using t = testApp(new App().addWsRoute(ChannelConsumer.asRoute('/channel')), { transport });

    await t.connect('/channel');

    const inAnHour = t.clock.now() / 1000 + 3600;
    expect(printed).toEqual([
      expect.stringMatching(/^New channel ID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      `Expires at: ${inAnHour}`,
      `Expires at: ${inAnHour}`,
    ]);
  });

  test('Joining and Leaving Groups 1: a connection is in its room until it ends', async () => {
    class RoomConsumer extends WebSocketConsumer {
      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        print(await this.joinGroup('room_42'));
      }

      override async onDisconnect(_ws: WebSocket, _code: number): Promise<void> {
        print(await this.leaveGroup('room_42'));
      }
    }
    await using t = testApp(new App().addWsRoute(RoomConsumer.asRoute('/room')), { transport });
    const ann = await t.connect('/room');
    expect(await t.app.channelBox.members('room_42')).toHaveLength(1);

    await ann.close();

    expect(printed).toEqual(['CHANNEL_ADDED', 'GROUP_DOES_NOT_EXIST']);
    expect(await t.app.channelBox.members('room_42')).toEqual([]);
  });

  test('Broadcasting Messages 1: a broadcast reaches the room and its history', async () => {
    class BroadcastConsumer extends WebSocketConsumer<string> {
      override readonly encoding = 'text';

      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        await this.joinGroup('room_42');
      }

      override async onReceive(_ws: WebSocket, data: string): Promise<void> {
        await this.broadcast({ user: 'anon', message: data }, 'room_42', { saveHistory: true });
      }
    }
    await using t = testApp(new App().addWsRoute(BroadcastConsumer.asRoute('/room')), { transport });
    const [ann, bob] = await t.connectAll(2, '/room');

    ann.sendText('hi');

    await bob.expect({ user: 'anon', message: 'hi' });
    const { messages } = await t.app.channelBox.showHistory('room_42');
    expect(messages.map(({ payload }) => payload)).toEqual([{ user: 'anon', message: 'hi' }]);
  });

  test('Targeted Messaging 1: a private message reaches one user, by the id of the channel', async () => {
    class PrivateConsumer extends WebSocketConsumer<{ to: string; message: string }> {
      override readonly encoding = 'json';

      override async onConnect(ws: WebSocket): Promise<void> {
        await ws.accept();
        await this.channel.setMetadata({ user: ws.queryParams.get('user') });
        await this.joinGroup('everyone');
      }

      override async onReceive(_ws: WebSocket, { to, message }: { to: string; message: string }): Promise<void> {
        await this.sendPrivateMessage(to, message);
      }

      /** A user is no channel: the metadata says which is whose. */
      async sendPrivateMessage(userId: string, message: string): Promise<void> {
        const channels = (await this.group('everyone')).filter(({ metadata }) => metadata['user'] === userId);
        for (const { uuid } of channels) await this.sendTo(uuid, { private: message });
      }
    }
    await using t = testApp(new App().addWsRoute(PrivateConsumer.asRoute('/private')), { transport });
    const ann = await t.connect('/private', { query: { user: 'ann' } });
    const bob = await t.connect('/private', { query: { user: 'bob' } });

    ann.sendJson({ to: 'bob', message: 'psst' });

    await bob.expect({ private: 'psst' });
    await ann.expectNothing();
  });

  test('Custom Route Registration 1: a consumer becomes a route', async () => {
    class ChatConsumer extends WebSocketConsumer<string> {
      override readonly encoding = 'text';

      override onReceive(_ws: WebSocket, data: string): Promise<unknown> {
        return this.sendText(`You said: ${data}`);
      }
    }
    const app = new App();
    const chatRoute = ChatConsumer.asRoute('/chat');
    app.addWsRoute(chatRoute);
    expect(chatRoute).toBeInstanceOf(WebsocketRoutes);
    await using t = testApp(app, { transport });
    const ann = await t.connect('/chat');

    ann.sendText('hi');

    await ann.expect('You said: hi');
  });

  test('Middleware Support, which the page leaves empty: a consumer names its own', async () => {
    const onlyMembers: Middleware = async (ws, next) => {
      if (ws.queryParams.get('token') !== 'valid-token') return ws.close(1008, 'Unauthorized');
      await next();
    };
    class GuardedConsumer extends WebSocketConsumer {
      static override readonly middleware = [onlyMembers];
    }
    await using t = testApp(new App().addWsRoute(GuardedConsumer.asRoute('/guarded')), { transport });

    expect(await t.handshake('/guarded')).toMatchObject({ status: 403, by: 'middleware' });
    expect(await t.handshake('/guarded', { query: { token: 'valid-token' } })).toMatchObject({ kind: 'accepted' });
  });

  test('Error Handling 1: an error is logged and the connection closes with 1011', async () => {
    class CarefulConsumer extends WebSocketConsumer<{ text: string }> {
      override readonly encoding = 'json';

      override async onReceive(ws: WebSocket, data: { text: string }): Promise<void> {
        try {
          await this.sendText(data.text.toUpperCase());
        } catch (error) {
          this.logger.error(`Error: ${(error as Error).name}`);
          await ws.close(status.WS_1011_INTERNAL_ERROR);
        }
      }
    }
    const app = new App({ logger: quiet }).addWsRoute(CarefulConsumer.asRoute('/careful'));
    await using t = testApp(app, { transport });
    const ann = await t.connect('/careful');
    ann.sendJson({ text: 'loud' });
    await ann.expect('LOUD');

    ann.sendJson({ text: 7 });

    await ann.expectClosed({ code: 1011 });
    expect(printed).toEqual(['Error: TypeError']);
  });

  test('Example: Complete Chat Consumer 1: the lobby hears who comes, speaks and goes', async () => {
    class ChatConsumer extends WebSocketConsumer<{ text: string }> {
      override readonly encoding = 'json';

      override async onConnect(ws: WebSocket): Promise<void> {
        const user = ws.scope.user as User;
        await ws.accept();
        await this.joinGroup(`user_${user.id}`);
        await this.joinGroup('lobby');
        await this.broadcast({ system: `${user.name} joined` }, 'lobby');
      }

      override async onReceive(ws: WebSocket, data: { text: string }): Promise<void> {
        const user = ws.scope.user as User;
        await this.broadcast({ user: user.name, message: data.text }, 'lobby');
      }

      override async onDisconnect(ws: WebSocket, _code: number): Promise<void> {
        const user = ws.scope.user as User;
        await this.leaveGroup(`user_${user.id}`);
        await this.broadcast({ system: `${user.name} left` }, 'lobby');
      }
    }
    const authenticate: Middleware = async (ws, next) => {
      Object.assign(ws.state, { user: { id: 1, name: ws.queryParams.get('name') } });
      await next();
    };
    const app = new App().addWsMiddleware(authenticate).addWsRoute(ChatConsumer.asRoute('/chat'));
    await using t = testApp(app, { transport, strict: true });
    const ann = await t.connect('/chat', { query: { name: 'ann' } });
    await ann.expect({ system: 'ann joined' });
    const bob = await t.connect('/chat', { query: { name: 'bob' } });
    await bob.expect({ system: 'bob joined' });

    bob.sendJson({ text: 'hi' });
    await bob.expect({ user: 'bob', message: 'hi' });
    await bob.close();

    await ann.expectSequence([{ system: 'bob joined' }, { user: 'bob', message: 'hi' }, { system: 'bob left' }]);
  });
});
