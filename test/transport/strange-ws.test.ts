import { expect, test, vi } from 'vitest';
import type * as Ws from 'ws';
import { BroadcastServer, room } from './broadcast-server.ts';
import { sendingKeepsItsRules } from './sending-suite.ts';

/** A ws whose sender keeps its state under another name, as a later version may. */
vi.mock('ws', async (original) => {
  const real = await original<typeof Ws>();
  class Renamed extends real.WebSocket {
    setSocket(...given: unknown[]): void {
      const { setSocket } = real.WebSocket.prototype as unknown as { setSocket: (...all: unknown[]) => void };
      Reflect.apply(setSocket, this, given);
      const { _sender: sender } = this as unknown as { _sender: { _state: unknown } };
      Object.defineProperty(this, '_sender', { value: hiding(sender) });
    }
  }
  return { ...real, WebSocket: Renamed };
});

/** The same sender, its state out of sight. */
function hiding<T extends { _state: unknown }>(sender: T): T {
  return new Proxy(sender, {
    get: (target, name) => {
      if (name === '_state') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

test('a ws whose insides are not as expected is spoken to by its own send', async () => {
  await using server = await BroadcastServer.start();
  const [listener] = await server.connect(1);
  const send = vi.spyOn((server.sockets[0] as unknown as { wire: { send: () => void } }).wire, 'send');
  void server.app.channelBox.groupSend(room, 'one');
  void server.app.channelBox.groupSend(room, 'two');
  await listener?.has(2);
  expect(send).toHaveBeenCalledTimes(2);
  expect(listener?.received).toEqual(['one', 'two']);
});

sendingKeepsItsRules('a ws with other insides');
