import { App, ChannelBox, LayerError } from 'channelbox';
import { expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Peers } from '../peers.ts';
import { AsyncLayer } from './async-layer.ts';

/** A layer that has connected when the test says so. */
class ConnectingLayer extends AsyncLayer {
  readonly gate: Gate<LayerError | undefined> = new Gate();

  override open(context: Parameters<AsyncLayer['open']>[0]): Promise<void> {
    void super.open(context);
    return this.gate.promise.then((error) => {
      if (error !== undefined) throw error;
    });
  }
}

function appOver(layer: ConnectingLayer, errors: unknown[] = []): App {
  const logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_: string, fields?: object) => errors.push(fields),
  };
  return new App({ channelBox: new ChannelBox({ layer }), logger }).wsRoute('/', async (ws) => {
    await ws.accept();
    await ws.receive();
  });
}

test('until the layer is there upgrades are answered 503, and listen waits', async () => {
  const layer = new ConnectingLayer();
  await using app = appOver(layer);
  const peers = new Peers(app);
  let address: unknown;
  const listening = app.listen(0, '127.0.0.1').then((found) => {
    address = found;
  });
  const early = peers.ask('/');
  await turn(5);
  expect([early.status, address]).toEqual([503, undefined]);

  layer.gate.open(undefined);
  await listening;

  expect(address).toMatchObject({ address: '127.0.0.1' });
  await peers.connect('/');
});

test('where the layer cannot connect, listen rejects with its reason and the log has it once', async () => {
  const layer = new ConnectingLayer();
  const errors: unknown[] = [];
  await using app = appOver(layer, errors);
  const reason = new LayerError('CHANNELBOX_LAYER_DOWN', 'no connection to the broker');
  layer.gate.open(reason);
  await expect(app.listen(0)).rejects.toBe(reason);
  await expect(app.listen(0)).rejects.toBe(reason);
  const late = new Peers(app).ask('/');
  await turn(5);
  expect([late.status, errors]).toEqual([503, [{ error: reason }]]);
});

test('an app that is closed while its layer connects opens no port afterwards', async () => {
  const layer = new ConnectingLayer();
  const app = appOver(layer);
  const listening = app.listen(0).catch((error: unknown) => error);
  await app.close();
  layer.gate.open(undefined);
  expect(await listening).toMatchObject({ code: 'CHANNELBOX_APP_CLOSED' });
});
