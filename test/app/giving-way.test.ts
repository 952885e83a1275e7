import { App, ChannelBox, consumer, type ServerWebSocket, type WebSocketConsumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';

type Step = (consumer: WebSocketConsumer, ws: ServerWebSocket, payload: string) => Promise<unknown>;

const steps: Readonly<Record<string, Step>> = {
  sendText: (_consumer, ws, payload) => ws.sendText(payload),
  sendJson: (_consumer, ws, payload) => ws.sendJson(payload),
  sendBytes: (_consumer, ws, payload) => ws.sendBytes(Buffer.from(payload)),
  'channel.send': (_consumer, ws, payload) => ws.channel.send(payload),
  broadcast: (self, _ws, payload) => self.broadcast(payload, 'all'),
  groupSend: (_consumer, ws, payload) => ws.channelBox.groupSend('all', payload),
  'groupSend to nobody': (_consumer, ws, payload) => ws.channelBox.groupSend('nobody', payload),
  sendTo: (_consumer, ws, payload) => ws.channelBox.sendTo(ws.id, payload),
};

// A turn ends within a pass of the loop: one pass may see the end of one portion and all of the next.

/** An app whose one consumer sends without end, and how much of it each turn saw at most. */
function endless(step: Step, payload: string): { app: App; mostInATurn: () => number } {
  let most = 0;
  let inThisTurn = 0;
  let isOver = false;
  const tick = (): void => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (!isOver) setImmediate(tick);
  };
  const app = new App({ channelBox: new ChannelBox() }).addWsRoute(
    consumer('/x', {
      encoding: 'text',
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup('all');
        setImmediate(tick);
        while (ws.isConnected()) {
          inThisTurn += 1;
          await step(this as unknown as WebSocketConsumer, ws as ServerWebSocket, payload);
        }
        isOver = true;
      },
    }),
  );
  app.wsRoute('/echo', async (ws) => {
    await ws.accept();
    for await (const text of ws.iterText()) await ws.sendText(text);
  });
  return { app, mostInATurn: () => most };
}

async function roundTrips(port: number, count: number): Promise<void> {
  const client = new Client(`ws://127.0.0.1:${port}/echo`);
  await new Promise((resolve) => client.once('open', resolve));
  for (let trip = 0; trip < count; trip += 1) {
    client.send('ping');
    await new Promise((resolve) => client.once('message', resolve));
  }
  client.terminate();
}

describe('a loop of awaited sends gives way after 256 messages of a turn, and others go on', () => {
  test.each(Object.entries(steps))('%s behind a port', async (_name, step) => {
    const { app, mostInATurn } = endless(step, 'x');
    const { port } = await app.listen(0, '127.0.0.1');
    const flooded = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => flooded.once('open', resolve));
    await roundTrips(port, 20);
    flooded.terminate();
    await app.close();
    expect(mostInATurn()).toBeGreaterThan(1);
    expect(mostInATurn()).toBeLessThanOrEqual(2 * 256 + 1);
  });

  test.each(Object.entries(steps))('%s in a test over memory', async (_name, step) => {
    const { app, mostInATurn } = endless(step, 'x');
    await using t = testApp(app, { watchdogMs: 5 });
    const client = await t.connect('/x');
    client.drop();
    await client.expectClosed();
    expect(mostInATurn()).toBeLessThanOrEqual(2 * 256 + 1);
  });

  test.each(Object.entries(steps))('%s of 16 KiB after 64 KiB', async (_name, step) => {
    const { app, mostInATurn } = endless(step, 'x'.repeat(16_384));
    const { port } = await app.listen(0, '127.0.0.1');
    const flooded = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => flooded.once('open', resolve));
    await roundTrips(port, 5);
    flooded.terminate();
    await app.close();
    expect(mostInATurn()).toBeLessThanOrEqual(2 * 4 + 1);
  });
});

describe('what one read brought is handed out in portions', () => {
  const flood = Array.from({ length: 3_000 }, (_each, at) => String(at));

  /** How many of a flood of small frames one turn handed out at most, and all of them in order. */
  async function met(route: (app: App, take: (text: unknown) => void) => void): Promise<[number, string[]]> {
    let most = 0;
    let inThisTurn = 0;
    const taken: string[] = [];
    const app = new App({ limits: { inboundQueue: 4_000 } });
    route(app, (text) => {
      if (inThisTurn === 0) {
        setImmediate(() => {
          most = Math.max(most, inThisTurn);
          inThisTurn = 0;
        });
      }
      inThisTurn += 1;
      taken.push(String(text));
    });
    const { port } = await app.listen(0, '127.0.0.1');
    const client = new Client(`ws://127.0.0.1:${port}/x`);
    await new Promise((resolve) => client.once('open', resolve));
    const socket = (client as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
    socket.cork();
    for (const text of flood) client.send(text);
    socket.uncork();
    client.close();
    await new Promise((resolve) => client.once('close', resolve));
    await app.close();
    return [most, taken];
  }

  test('to a consumer that answers at once', async () => {
    const [most, taken] = await met((app, take) => {
      app.addWsRoute(consumer('/x', { onReceive: (_ws, data) => take(data) }));
    });
    expect(taken).toEqual(flood);
    expect(most).toBeLessThanOrEqual(2 * 256 + 1);
  });

  test('to a consumer whose hooks are async', async () => {
    const [most, taken] = await met((app, take) => {
      app.addWsRoute(consumer('/x', { onReceive: async (_ws, data) => take(data) }));
    });
    expect(taken).toEqual(flood);
    expect(most).toBeLessThanOrEqual(2 * 256 + 1);
  });

  test('to a handler that receives in a loop', async () => {
    const [most, taken] = await met((app, take) => {
      app.wsRoute('/x', async (ws) => {
        await ws.accept();
        for await (const text of ws.iterText()) take(text);
      });
    });
    expect(taken).toEqual(flood);
    expect(most).toBeLessThanOrEqual(2 * 256 + 1);
  });
});
