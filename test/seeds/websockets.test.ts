/** Twins of the short guide. */
import { App, WebSocketDisconnect, WebsocketRoutes, WSRouter, type Handler, type WebSocket } from 'channelbox';
import { testApp, type TestAppOptions, type TestClient } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);

beforeEach(() => {
  printed.length = 0;
});

/** The guide's `ws_handler`; what stands for its `...` says where it was reached. */
const wsHandler: Handler = async (ws: WebSocket) => {
  await ws.accept();
  await ws.sendText(`ws_handler at ${ws.path}`);
};
const wsHandler2: Handler = async (ws: WebSocket) => {
  await ws.accept();
  await ws.sendText(`ws_handler2 at ${ws.path}`);
};

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  /** A connection to the handler alone, and what it says. */
  async function connectTo(handler: Handler): Promise<{ client: TestClient } & AsyncDisposable> {
    const t = testApp(new App().wsRoute('/ws', handler), options);
    const client = await t.connect('/ws');
    return { client, [Symbol.asyncDispose]: () => t[Symbol.asyncDispose]() };
  }

  test('WebSockets 1: an app with one route', async () => {
    const app = new App();
    app.wsRoute('/ws', async (ws) => {
      await ws.accept();
      await ws.sendText('...');
    });
    await using t = testApp(app, options);

    const ann = await t.connect('/ws');

    await ann.expect('...');
    await ann.expectClosed({ code: 1000 });
  });

  test('WebSockets 2: a route as a value', async () => {
    const app = new App();
    app.addWsRoute(new WebsocketRoutes('/ws', wsHandler));
    await using t = testApp(app, options);

    const ann = await t.connect('/ws');

    await ann.expect('ws_handler at /ws');
  });

  test('Websocket Router 1: a router mounted under a prefix', async () => {
    const app = new App();
    const router = new WSRouter();
    router.addWsRoute('/ws', wsHandler);
    app.mountWsRouter(router, '/ws');
    await using t = testApp(app, options);

    const ann = await t.connect('/ws/ws');

    await ann.expect('ws_handler at /ws/ws');
    expect(await t.handshake('/ws')).toMatchObject({ status: 404, by: 'route' });
  });

  test('Websocket Router 2: a router made of a list of routes', async () => {
    const router = new WSRouter([new WebsocketRoutes('/ws', wsHandler), new WebsocketRoutes('/ws2', wsHandler2)]);
    await using t = testApp(new App().mountWsRouter(router), options);

    const ann = await t.connect('/ws');
    const bob = await t.connect('/ws2');

    await ann.expect('ws_handler at /ws');
    await bob.expect('ws_handler2 at /ws2');
  });

  test('Websocket Router 3: the prefix of the mount overrides the one of the router', async () => {
    const app = new App();
    const router = new WSRouter({ prefix: '/ws' });
    router.addWsRoute('/ws', wsHandler);
    router.addWsRoute('/ws2', wsHandler2);
    app.mountWsRouter(router, '/ws-overide');
    await using t = testApp(app, options);

    const ann = await t.connect('/ws-overide/ws');
    const bob = await t.connect('/ws-overide/ws2');

    await ann.expect('ws_handler at /ws-overide/ws');
    await bob.expect('ws_handler2 at /ws-overide/ws2');
    expect(await t.handshake('/ws/ws')).toMatchObject({ status: 404, by: 'route' });
  });

  test('Sending Messages 1: text, JSON and bytes', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      await ws.sendText('Hello World');
      await ws.sendJson({ message: 'Hello World' });
      await ws.sendBytes(Buffer.from('Hello World'));
    });

    await connected.client.expect('Hello World');
    await connected.client.expect({ message: 'Hello World' });
    expect(Buffer.from(await connected.client.receiveBytes()).toString()).toBe('Hello World');
  });

  test('Receiving Messages 1: text, JSON and bytes', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      const message = await ws.receiveText();
      print(message);
      print(JSON.stringify(await ws.receiveJson()));
      print(String((await ws.receiveBytes()).byteLength));
    });
    connected.client.sendText('hi');
    connected.client.sendJson({ a: 1 });
    connected.client.sendBytes(new Uint8Array(5));

    await connected.client.expectClosed({ code: 1000 });

    expect(printed).toEqual(['hi', '{"a":1}', '5']);
  });

  test('Receiving Messages 2: text', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      const textData = await ws.receiveText();
      await ws.sendText(`Received: ${textData}`);
    });

    connected.client.sendText('hi');

    await connected.client.expect('Received: hi');
  });

  test('Receiving Messages 3: binary', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      const binaryData = await ws.receiveBytes();
      await ws.sendBytes(binaryData);
    });

    connected.client.sendBytes(new Uint8Array([1, 2, 3]));

    await connected.client.expect(new Uint8Array([1, 2, 3]));
  });

  test('Receiving Messages 4: JSON', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      const jsonData = await ws.receiveJson();
      await ws.sendJson({ status: 'success', data: jsonData });
    });

    connected.client.sendJson([1, 2]);

    await connected.client.expect({ status: 'success', data: [1, 2] });
  });

  test('Connection Lifecycle 1: accepting opens the connection', async () => {
    await using connected = await connectTo(async (ws) => {
      print(`before: ${ws.isConnected()}`);
      await ws.accept();
      print(`after: ${ws.isConnected()}`);
    });

    await connected.client.expectClosed({ code: 1000 });

    expect(printed).toEqual(['before: false', 'after: true']);
  });

  test('Receive Messages (Loop) 1: frames of either kind, one after another', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      while (true) {
        const message = await ws.receive();
        print(message.type);
        if (message.data === 'end') break;
      }
    });
    connected.client.sendText('one');
    connected.client.sendBytes(new Uint8Array(1));
    connected.client.sendText('end');

    await connected.client.expectClosed({ code: 1000 });

    expect(printed).toEqual(['text', 'bytes', 'text']);
  });

  test('Receive Messages (Loop), as an iteration: it ends when the client has gone', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      for await (const { data } of ws) print(String(data));
      print('over');
    });
    connected.client.sendText('one');
    connected.client.sendText('two');

    await connected.client.close();

    expect(printed).toEqual(['one', 'two', 'over']);
  });

  test('Handle Disconnections 1: a client that has gone is caught by its type', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      try {
        await ws.receive();
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Client disconnected');
      }
    });

    await connected.client.close();

    expect(printed).toEqual(['Client disconnected']);
  });

  test('Close the Connection 1: a finally closes, whoever was first', async () => {
    await using connected = await connectTo(async (ws) => {
      await ws.accept();
      try {
        print(await ws.receiveText());
      } finally {
        await ws.close();
      }
    });
    connected.client.sendText('bye');

    await connected.client.expectClosed({ code: 1000, wasClean: true });

    expect(printed).toEqual(['bye']);
  });
});
