import type { ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

test('a peer that answered one ping is asked again after the next silence, however long an answer may take', async () => {
  await using stage = new Stage({ limits: { heartbeatMs: 1_000, heartbeatTimeoutMs: 10_000 } });
  const peer = await stage.peers.connect('/');
  const ws = stage.sockets[0] as ServerWebSocket;
  await stage.clock.pass(1_500, 500);
  await turn(3);

  peer.pause();
  await stage.clock.pass(11_500, 500);

  expect(ws.isConnected()).toBe(false);
  expect(stage.app.inspect().counters['heartbeatTimeouts']).toBe(1);
});
