/** Twins of the page "WebSocket Support" up to its router. */
import {
  App,
  consumer,
  RouteError,
  WebSocketController,
  WebSocketDisconnect,
  WSRouter,
  type WebSocket,
} from 'channelbox';
import { testApp, testUrl, type TestAppOptions } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);

beforeEach(() => {
  printed.length = 0;
});

async function websocketEndpoint(websocket: WebSocket): Promise<void> {
  await websocket.accept();
  try {
    while (true) {
      const data = await websocket.receiveText();
      await websocket.sendText(`Message text was: ${data}`);
    }
  } catch (error) {
    if (!(error instanceof WebSocketDisconnect)) throw error;
    print('Client disconnected');
  }
}

test('Basic WebSocket Endpoint: what the page calls app.run is app.listen', async () => {
  await using app = new App().websocketRoute('/ws', websocketEndpoint);
  const { port } = await app.listen(0, '127.0.0.1');
  await using t = testUrl(`ws://127.0.0.1:${port}`);
  const ann = await t.connect('/ws');

  ann.sendText('hi');

  await ann.expect('Message text was: hi');
  await ann.close();
});

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  test('Basic WebSocket Endpoint 1: an echo, on the app or on a router', async () => {
    const app = new App();
    app.websocketRoute('/ws', websocketEndpoint);
    app.mountWsRouter(new WSRouter().wsRoute('/ws', websocketEndpoint), '/router');
    await using t = testApp(app, options);
    const ann = await t.connect('/ws');
    const bob = await t.connect('/router/ws');

    ann.sendText('hi');
    bob.sendText('ho');

    await ann.expect('Message text was: hi');
    await bob.expect('Message text was: ho');
    await ann.close();
    expect(printed).toEqual(['Client disconnected']);
  });

  test('Class-Based WebSocket Controller 1: a controller answers each frame; the loop is not its own', async () => {
    class EchoController extends WebSocketController<string> {
      override readonly encoding = 'text';

      override async onConnect(websocket: WebSocket): Promise<void> {
        await websocket.accept();
        print('WebSocket connection accepted.');
      }

      override async onReceive(_websocket: WebSocket, data: string): Promise<void> {
        print(`Received message: ${data}`);
        await this.sendText(`Echo: ${data}`);
      }

      override onDisconnect(): void {
        print('Client disconnected.');
      }
    }
    const app = new App();
    // @ts-expect-error the page adds an instance, which could serve one connection alone
    expect(() => app.addWsRoute(new EchoController())).toThrow(RouteError);
    app.addWsRoute(EchoController.asRoute('/ws'));
    await using t = testApp(app, options);
    const ann = await t.connect('/ws');

    ann.sendText('hi');
    await ann.expect('Echo: hi');
    await ann.close();

    expect(printed).toEqual(['WebSocket connection accepted.', 'Received message: hi', 'Client disconnected.']);
  });

  test('Handling JSON Data 1: each JSON frame is answered', async () => {
    const app = new App().websocketRoute('/ws/json', async (websocket) => {
      await websocket.accept();
      try {
        while (true) {
          print(JSON.stringify(await websocket.receiveJson()));
          await websocket.sendJson({ response: 'JSON received' });
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Client disconnected');
      }
    });
    await using t = testApp(app, options);
    const ann = await t.connect('/ws/json');

    ann.sendJson({ a: [1] });
    await ann.expect({ response: 'JSON received' });
    await ann.close();

    expect(printed).toEqual(['{"a":[1]}', 'Client disconnected']);
  });

  test('Broadcasting Messages 1: a list of connections, kept by hand', async () => {
    const activeConnections = new Set<WebSocket>();
    const app = new App().websocketRoute('/ws/broadcast', async (websocket) => {
      await websocket.accept();
      activeConnections.add(websocket);
      try {
        while (true) {
          const data = await websocket.receiveText();
          for (const connection of activeConnections) await connection.sendText(`Broadcast: ${data}`);
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        activeConnections.delete(websocket);
        print('Client disconnected');
      }
    });
    await using t = testApp(app, options);
    const [ann, bob] = await t.connectAll(2, '/ws/broadcast');

    ann.sendText('hi');
    await ann.expect('Broadcast: hi');
    await bob.expect('Broadcast: hi');
    await bob.close();
    ann.sendText('alone');

    await ann.expect('Broadcast: alone');
    expect(activeConnections.size).toBe(1);
    expect(printed).toEqual(['Client disconnected']);
  });

  test('Broadcasting Messages, as channelbox teaches it: a group keeps itself', async () => {
    const app = new App().addWsRoute(
      consumer('/ws/broadcast', {
        encoding: 'text',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup();
        },
        onReceive(_ws, data) {
          return this.broadcast(`Broadcast: ${data as string}`);
        },
      }),
    );
    await using t = testApp(app, options);
    const [ann, bob] = await t.connectAll(2, '/ws/broadcast');

    ann.sendText('hi');

    await ann.expect('Broadcast: hi');
    await bob.expect('Broadcast: hi');
  });

  test('Error Handling 1: an error is told to the client, then the connection ends in order', async () => {
    const app = new App().websocketRoute('/ws/error', async (websocket) => {
      await websocket.accept();
      try {
        while (true) {
          const data = await websocket.receiveText();
          if (data === 'error') throw new RangeError('Simulated error');
          await websocket.sendText(`Message: ${data}`);
        }
      } catch (error) {
        if (error instanceof WebSocketDisconnect) {
          print('Client disconnected');
        } else {
          print(`Error: ${(error as Error).message}`);
          await websocket.sendText(`Error: ${(error as Error).message}`);
        }
      }
    });
    await using t = testApp(app, options);
    const ann = await t.connect('/ws/error');

    ann.sendText('fine');
    ann.sendText('error');

    await ann.expectSequence(['Message: fine', 'Error: Simulated error']);
    await ann.expectClosed({ code: 1000 });
    expect(printed).toEqual(['Error: Simulated error']);
  });

  test('Authentication and Authorization 1: accepted, then closed with 1008 for a wrong token', async () => {
    const app = new App().websocketRoute('/ws/secure', async (websocket) => {
      await websocket.accept();
      const token = websocket.queryParams.get('token');
      if (token !== 'secret-token') {
        await websocket.close(1008, 'Unauthorized');
        return;
      }
      try {
        while (true) {
          const data = await websocket.receiveText();
          await websocket.sendText(`Secure message: ${data}`);
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Client disconnected');
      }
    });
    await using t = testApp(app, options);

    const stranger = await t.connect('/ws/secure', { query: { token: 'guess' } });
    const friend = await t.connect('/ws/secure', { query: { token: 'secret-token' } });
    friend.sendText('hi');

    await stranger.expectClosed({ code: 1008, reason: 'Unauthorized' });
    await friend.expect('Secure message: hi');
    await friend.close();
    expect(printed).toEqual(['Client disconnected']);
  });

  test('Authentication and Authorization, as channelbox teaches it: the handshake itself is denied', async () => {
    const app = new App().wsRoute('/ws/secure', async (ws) => {
      if (ws.query.get('token') !== 'secret-token') return ws.deny(new Response('Unauthorized', { status: 401 }));
      await ws.accept();
      for await (const text of ws.iterText()) await ws.sendText(`Secure message: ${text}`);
    });
    await using t = testApp(app, options);

    expect(await t.handshake('/ws/secure')).toMatchObject({ status: 401, body: 'Unauthorized', by: 'handler' });
    const friend = await t.connect('/ws/secure', { query: { token: 'secret-token' } });
    friend.sendText('hi');
    await friend.expect('Secure message: hi');
  });
});
