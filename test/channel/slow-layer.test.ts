import { App, ChannelBox, LayerError, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { MemoryLayer } from '../../src/layer/memory.ts';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Peers } from '../peers.ts';

/** A layer that announces nobody, and whose subscriptions take effect when the test says so. */
class GatedLayer extends MemoryLayer {
  readonly gate = new Gate();
  isFailing = false;

  override subscribe(): undefined {
    const subscribing = this.gate.promise.then(() => {
      if (this.isFailing) throw new LayerError('CHANNELBOX_LAYER_DEADLINE', 'it was not sent');
    });
    return subscribing as unknown as undefined;
  }
}

async function joiningTwo(layer: GatedLayer): Promise<{ app: App; sockets: ServerWebSocket[]; results: unknown[] }> {
  const results: unknown[] = [];
  const sockets: ServerWebSocket[] = [];
  const app = new App({ channelBox: new ChannelBox({ layer }) });
  app.wsRoute('/', async (ws) => {
    await ws.accept();
    sockets.push(ws);
    results.push(await ws.join('room').catch((error: unknown) => error));
    await ws.receive();
  });
  const peers = new Peers(app);
  await peers.connect('/');
  await peers.connect('/');
  await turn(5);
  return { app, sockets, results };
}

test('nobody has joined before the subscription of the group has taken effect, whoever began it', async () => {
  const layer = new GatedLayer();
  const { app, results } = await joiningTwo(layer);
  await using _app = app;
  expect(results).toEqual([]);

  layer.gate.open();
  await turn(5);

  expect(results).toEqual(['CHANNEL_ADDED', 'CHANNEL_ADDED']);
});

test('a subscription that fails lets nobody in', async () => {
  const layer = new GatedLayer();
  layer.isFailing = true;
  const { app, results } = await joiningTwo(layer);
  await using _app = app;

  layer.gate.open();
  await turn(5);

  expect(results).toEqual([expect.any(LayerError), expect.any(LayerError)]);
  expect(app.inspect().memberships).toBe(0);
});

test('who has left while the subscription was on its way is told so', async () => {
  const layer = new GatedLayer();
  const { app, sockets, results } = await joiningTwo(layer);
  await using _app = app;

  void sockets[0]?.close();
  layer.gate.open();
  await turn(5);

  expect(results).toEqual(['CHANNEL_CLOSED', 'CHANNEL_ADDED']);
  expect(app.inspect().memberships).toBe(1);
});
