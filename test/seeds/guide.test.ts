/** Twins of the long guide up to its rooms. */
import { App, FrameError, WebSocketDisconnect, WSRouter, type ParamsOf, type Params, type WebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { beforeEach, describe, expect, test } from 'vitest';

const printed: string[] = [];
const print = (line: string): void => void printed.push(line);

beforeEach(() => {
  printed.length = 0;
});

/** What the guide's pages have before them: a router, mounted before anything is in it. */
function mounted(): { app: App; wsRouter: WSRouter } {
  const app = new App();
  const wsRouter = new WSRouter();
  app.mountWsRouter(wsRouter);
  return { app, wsRouter };
}

describe.each(['memory', 'tcp'] as const)('over %s', (transport) => {
  test('1. Creating a WebSocket Endpoint 1: a router without a prefix, mounted first and filled later', async () => {
    const app = new App();
    const wsRouter = new WSRouter();
    app.mountWsRouter(wsRouter);
    wsRouter.wsRoute('/ws', async (ws) => {
      await ws.accept();
      try {
        while (true) {
          const data = await ws.receiveText();
          print(`Received: ${data}`);
          await ws.sendText(`You said: ${data}`);
        }
      } catch (error) {
        print(`Connection closed: ${(error as Error).message}`);
      }
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/ws');

    ann.sendText('hi');
    await ann.expect('You said: hi');
    await ann.close(1000, 'bye');

    expect(printed).toEqual(['Received: hi', 'Connection closed: the connection ended with 1000 bye']);
  });

  test('2. Handling Different Message Types 1: text', async () => {
    const { app, wsRouter } = mounted();
    wsRouter.wsRoute('/text', async (ws) => {
      await ws.accept();
      const textData = await ws.receiveText();
      print(textData);
      await ws.sendText('Response message');
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/text');

    ann.sendText('question');

    await ann.expect('Response message');
    expect(printed).toEqual(['question']);
  });

  test('2. Handling Different Message Types 2: binary', async () => {
    const { app, wsRouter } = mounted();
    wsRouter.wsRoute('/bytes', async (ws) => {
      await ws.accept();
      const binaryData = await ws.receiveBytes();
      print(String(binaryData.byteLength));
      await ws.sendBytes(Buffer.from('Response bytes'));
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/bytes');

    ann.sendBytes(new Uint8Array([0, 255]));

    expect(Buffer.from(await ann.receiveBytes()).toString()).toBe('Response bytes');
    expect(printed).toEqual(['2']);
  });

  test('2. Handling Different Message Types 3: JSON', async () => {
    const { app, wsRouter } = mounted();
    wsRouter.wsRoute('/json', async (ws) => {
      await ws.accept();
      const jsonData = await ws.receiveJson<{ question: string }>();
      print(jsonData.question);
      await ws.sendJson({ response: 'data', status: 'success' });
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/json');

    ann.sendJson({ question: 'why' });

    await ann.expect({ response: 'data', status: 'success' });
    expect(printed).toEqual(['why']);
  });

  test('3. Connection Lifecycle 1: accept, receive, process, send; a close after the client has gone is quiet', async () => {
    const { app, wsRouter } = mounted();
    const processMessage = (data: unknown): unknown => ({ processed: data });
    wsRouter.wsRoute('/chat', async (ws) => {
      await ws.accept();
      try {
        while (true) {
          const data = await ws.receiveJson();
          const response = processMessage(data);
          await ws.sendJson(response);
        }
      } catch (error) {
        if (!(error instanceof WebSocketDisconnect)) throw error;
        print('Client disconnected');
      } finally {
        await ws.close();
        print('closed');
      }
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/chat');

    ann.sendJson(1);
    await ann.expect({ processed: 1 });
    await ann.close();

    expect(printed).toEqual(['Client disconnected', 'closed']);
  });

  test('Accessing Connection Details 1: who it is, what was asked, and where', async () => {
    const { app, wsRouter } = mounted();
    const info = async (ws: WebSocket<Params>): Promise<void> => {
      await ws.accept();
      const clientIp = ws.client.host;
      const clientPort = ws.client.port;
      const headers = Object.fromEntries(ws.scope.headers);
      const query = ws.scope.queryString;
      const roomId = ws.scope.pathParams['room_id'] ?? null;
      await ws.sendJson({ ip: clientIp, hasPort: clientPort > 0, agent: headers['x-agent'], query, room_id: roomId });
    };
    wsRouter.wsRoute('/info', info);
    wsRouter.wsRoute('/ws/{room_id}', info);
    await using t = testApp(app, { transport });
    const asked = { headers: { 'X-Agent': 'test' }, query: { page: '2' } };

    const plain = await t.connect('/info', asked);
    const room = await t.connect('/ws/lobby', asked);

    const facts = { ip: '127.0.0.1', hasPort: true, agent: 'test', query: 'page=2' };
    await plain.expect({ ...facts, room_id: null });
    await room.expect({ ...facts, room_id: 'lobby' });
  });

  test('Accessing Connection Details, as the types have it: params come from the pattern', async () => {
    const { app, wsRouter } = mounted();
    wsRouter.wsRoute('/ws/{room_id:int}', async (ws, params) => {
      const typed: ParamsOf<'/ws/{room_id:int}'> = params;
      await ws.accept();
      await ws.sendJson({ next: typed.room_id + 1, agent: ws.headers.get('x-agent'), page: ws.query.get('page') });
    });
    await using t = testApp(app, { transport });

    const ann = await t.connect('/ws/7?page=2', { headers: { 'X-Agent': 'test' } });

    await ann.expect({ next: 8, agent: 'test', page: '2' });
  });

  test('Error Handling 1: bad JSON and a bad value are answered, and the connection lives on', async () => {
    const { app, wsRouter } = mounted();
    wsRouter.wsRoute('/safe', async (ws) => {
      await ws.accept();
      try {
        while (true) {
          try {
            const data = await ws.receiveJson();
            if (data === 'bad') throw new RangeError('a bad value');
            await ws.sendJson({ status: 'success', data });
          } catch (error) {
            if (error instanceof FrameError) await ws.sendJson({ status: 'error', message: 'Invalid JSON' });
            else if (error instanceof RangeError) await ws.sendJson({ status: 'error', message: error.message });
            else throw error;
          }
        }
      } catch (error) {
        if (error instanceof WebSocketDisconnect) {
          print(`Client disconnected with code ${error.code}: ${error.reason}`);
        } else {
          print(`Unexpected error: ${(error as Error).message}`);
          await ws.close(1011);
        }
      }
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/safe');

    ann.sendText('{');
    await ann.expect({ status: 'error', message: 'Invalid JSON' });
    ann.sendJson('bad');
    await ann.expect({ status: 'error', message: 'a bad value' });
    ann.sendJson({ fine: true });
    await ann.expect({ status: 'success', data: { fine: true } });
    await ann.close(4000, 'done');

    expect(printed).toEqual(['Client disconnected with code 4000: done']);
  });
});
