/** Twins of the same page as it is shown in a browser, as objects: the form that channelbox teaches, all types inferred. */
import { App, consumer, status, type Middleware } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

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
  test('Consumer Basics 1: a consumer joins and broadcasts; leaving is done for it', async () => {
    const chat = consumer('/chat', {
      encoding: 'json',
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup('general_chat');
      },
      async onReceive(_ws, data) {
        await this.broadcast(data, 'general_chat');
      },
    });
    await using t = testApp(new App().addWsRoute(chat), { transport });
    const [ann, bob] = await t.connectAll(2, '/chat');

    ann.sendJson({ text: 'hi' });

    await ann.expect({ text: 'hi' });
    await bob.expect({ text: 'hi' });
    await ann.close();
    expect(await t.app.channelBox.members('general_chat')).toHaveLength(1);
  });

  test('Automatic Message Decoding 1: data arrives decoded and, with a schema, checked', async () => {
    const app = new App().addWsRoute(
      consumer('/json', {
        encoding: 'json',
        schema: z.object({ message: z.string() }),
        onReceive: (_ws, data) => print(data.message),
      }),
    );
    await using t = testApp(app, { transport });
    const ann = await t.connect('/json');

    ann.sendJson({ message: 'parsed' });
    ann.sendJson({ message: 7 });

    await ann.expectClosed({ code: 1007 });
    expect(printed).toEqual(['parsed']);
  });

  test('Built-in Channel Management 1: each connection has a channel of its own', async () => {
    const app = new App().addWsRoute(
      consumer('/channel', {
        expires: 60,
        async onConnect(ws) {
          await ws.accept();
          print(this.channel.uuid);
          expect(this.channel.expiresAt).toBe(this.channel.created + 60);
        },
      }),
    );
    await using t = testApp(app, { transport });

    await t.connectAll(2, '/channel');

    expect(new Set(printed).size).toBe(2);
  });

  test('Joining and Leaving Groups 1: a connection is in its room until it leaves', async () => {
    const app = new App().addWsRoute(
      consumer('/room', {
        encoding: 'text',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('room_42');
        },
        async onReceive() {
          await this.sendText(await this.leaveGroup('room_42'));
        },
      }),
    );
    await using t = testApp(app, { transport });
    const [ann] = await t.connectAll(2, '/room');
    expect(await t.app.channelBox.members('room_42')).toHaveLength(2);

    ann.sendText('leave');

    await ann.expect('CHANNEL_REMOVED');
    expect(await t.app.channelBox.members('room_42')).toHaveLength(1);
  });

  test('Broadcasting Messages 1: a broadcast is in the history, and who comes later reads it there', async () => {
    const app = new App().addWsRoute(
      consumer('/room', {
        encoding: 'text',
        async onConnect(ws) {
          await ws.accept();
          const { messages } = await this.resumeGroup('room_42');
          for (const { payload } of messages) await this.send(payload);
        },
        async onReceive(_ws, data) {
          await this.broadcast({ user: 'anon', message: data }, 'room_42', { saveHistory: true });
        },
      }),
    );
    await using t = testApp(app, { transport });
    const ann = await t.connect('/room');
    ann.sendText('hi');
    await ann.expect({ user: 'anon', message: 'hi' });

    const bob = await t.connect('/room');

    await bob.expect({ user: 'anon', message: 'hi' });
    await ann.expectNothing();
  });

  test('Targeted Messaging 1: a group of its own makes every connection of a user reachable', async () => {
    const app = new App().addWsRoute(
      consumer('/private/{user}', {
        encoding: 'json',
        schema: z.object({ to: z.string(), message: z.string() }),
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(`user_${ws.params.user}`);
        },
        async onReceive(_ws, { to, message }) {
          await this.broadcast({ private: message }, `user_${to}`);
        },
      }),
    );
    await using t = testApp(app, { transport });
    const ann = await t.connect('/private/ann');
    const [phone, desk] = await t.connectAll(2, '/private/bob');

    ann.sendJson({ to: 'bob', message: 'psst' });

    await phone.expect({ private: 'psst' });
    await desk.expect({ private: 'psst' });
    await ann.expectNothing();
  });

  test('Custom Route Registration 1: what consumer() returns is a route', async () => {
    const chatRoute = consumer('/chat', {
      encoding: 'text',
      onReceive: (ws, data) => ws.sendText(`You said: ${String(data)}`),
    });
    await using t = testApp(new App().addWsRoute(chatRoute), { transport });
    const ann = await t.connect('/chat');

    ann.sendText('hi');

    await ann.expect('You said: hi');
  });

  test('Middleware Support, which the page leaves empty: a consumer names its own', async () => {
    const onlyMembers: Middleware = (ws, next) =>
      ws.queryParams.get('token') === 'valid-token' ? next() : ws.deny(new Response('Unauthorized', { status: 401 }));
    await using t = testApp(new App().addWsRoute(consumer('/guarded', { middleware: [onlyMembers] })), { transport });

    expect(await t.handshake('/guarded')).toMatchObject({ status: 401, body: 'Unauthorized', by: 'middleware' });
    expect(await t.handshake('/guarded', { query: { token: 'valid-token' } })).toMatchObject({ kind: 'accepted' });
  });

  test('Error Handling 1: an error is caught, logged and answered with 1011', async () => {
    const careful = consumer('/careful', {
      encoding: 'json',
      async onReceive(ws) {
        try {
          throw new RangeError('my logic');
        } catch (error) {
          this.logger.error(`Error: ${(error as Error).message}`);
          await ws.close(status.WS_1011_INTERNAL_ERROR);
        }
      },
    });
    await using t = testApp(new App({ logger: quiet }).addWsRoute(careful), { transport });
    const ann = await t.connect('/careful');

    ann.sendJson('anything');

    await ann.expectClosed({ code: 1011 });
    expect(printed).toEqual(['Error: my logic']);
  });

  test('Example: Complete Chat Consumer 1: the lobby hears who comes, speaks and goes', async () => {
    const authenticate: Middleware = async (ws, next) => {
      Object.assign(ws.state, { user: { id: 1, name: ws.queryParams.get('name') } });
      await next();
    };
    const chat = consumer('/chat', {
      encoding: 'json',
      schema: z.object({ text: z.string() }),
      middleware: [authenticate],
      async onConnect(ws) {
        const user = ws.scope.user as User;
        await ws.accept();
        await this.joinGroup('lobby');
        await this.broadcast({ system: `${user.name} joined` }, 'lobby');
      },
      async onReceive(ws, data) {
        await this.broadcast({ user: (ws.scope.user as User).name, message: data.text }, 'lobby');
      },
      async onDisconnect(ws) {
        await this.broadcast({ system: `${(ws.scope.user as User).name} left` }, 'lobby');
      },
    });
    await using t = testApp(new App().addWsRoute(chat), { transport, strict: true });
    const ann = await t.connect('/chat', { query: { name: 'ann' } });
    await ann.expect({ system: 'ann joined' });
    const bob = await t.connect('/chat', { query: { name: 'bob' } });

    bob.sendJson({ text: 'hi' });
    await bob.expectSequence([{ system: 'bob joined' }, { user: 'bob', message: 'hi' }]);
    await bob.close();

    await ann.expectSequence([{ system: 'bob joined' }, { user: 'bob', message: 'hi' }, { system: 'bob left' }]);
  });
});
