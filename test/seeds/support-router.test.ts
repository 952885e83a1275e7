/** Twins of the page "WebSocket Support": router and middleware. */
import { App, WebSocketDisconnect, WSRouter, type Middleware, type WebSocket } from 'channelbox';
import { testApp, type TestAppOptions } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);

beforeEach(() => {
  printed.length = 0;
});

async function authCheck(websocket: WebSocket, callNext: () => Promise<void>): Promise<void> {
  const token = websocket.queryParams.get('token');
  if (token !== 'valid-token') {
    await websocket.close(1008, 'Unauthorized');
    return;
  }
  print('Client authenticated.');
  await callNext();
}

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  const options: TestAppOptions = { transport };

  test.each(['mountWsRouter', 'includeWsRouter'] as const)(
    'Example: Using WebSocket Router, by %s: two endpoints',
    async (mount) => {
      const wsRouter = new WSRouter().wsRoute('/chat', (websocket) => websocket.accept());
      await using t = testApp(new App()[mount](wsRouter), options);

      expect(await t.handshake('/chat')).toMatchObject({ kind: 'accepted' });
    },
  );

  test('Example: Using WebSocket Router 1: a router groups two endpoints', async () => {
    const app = new App();
    const wsRouter = new WSRouter();
    wsRouter.wsRoute('/chat', async (websocket) => {
      await websocket.accept();
      try {
        while (true) {
          const data = await websocket.receiveText();
          await websocket.sendText(`Chat Message: ${data}`);
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Chat client disconnected');
      }
    });
    wsRouter.wsRoute('/notifications', async (websocket) => {
      await websocket.accept();
      try {
        while (true) {
          const data = await websocket.receiveText();
          await websocket.sendText(`Notification received: ${data}`);
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Notification client disconnected');
      }
    });
    app.mountWsRouter(wsRouter);
    await using t = testApp(app, options);
    const chat = await t.connect('/chat');
    const notifications = await t.connect('/notifications');

    chat.sendText('hi');
    notifications.sendText('ping');

    await chat.expect('Chat Message: hi');
    await notifications.expect('Notification received: ping');
    await chat.close();
    await notifications.close();
    expect(printed).toEqual(['Chat client disconnected', 'Notification client disconnected']);
  });

  test('Example: WebSocket Authentication Middleware 1: a wrong token never reaches the handler', async () => {
    const app = new App().wsRoute('/chat', async (websocket) => {
      print('handler');
      await websocket.accept();
    });
    app.addWsMiddleware(authCheck);
    await using t = testApp(app, options);

    expect(await t.handshake('/chat', { query: { token: 'guess' } })).toMatchObject({
      status: 403,
      by: 'middleware',
      code: 1008,
    });
    expect(printed).toEqual([]);
    await t.connect('/chat', { query: { token: 'valid-token' } });
    expect(printed).toEqual(['Client authenticated.', 'handler']);
  });

  test('Combining Routers and Middleware 1: middleware added last protects all routes', async () => {
    const AuthMiddleware: Middleware = authCheck;
    const app = new App();
    const wsRouter = new WSRouter();
    wsRouter.wsRoute('/secured-chat', async (websocket) => {
      await websocket.accept();
      while (true) {
        const data = await websocket.receiveText();
        await websocket.sendText(`Secure Chat: ${data}`);
      }
    });
    app.mountWsRouter(wsRouter);
    app.addWsMiddleware(AuthMiddleware);
    await using t = testApp(app, options);

    expect(await t.handshake('/secured-chat')).toMatchObject({ status: 403, by: 'middleware' });
    const ann = await t.connect('/secured-chat', { query: { token: 'valid-token' } });
    ann.sendText('hi');
    await ann.expect('Secure Chat: hi');
  });
});
