import { createRequire } from 'node:module';
import { expect, test, vi } from 'vitest';
import type * as Ws from 'ws';
import { BroadcastServer, room } from './broadcast-server.ts';
import { sendingKeepsItsRules } from './sending-suite.ts';

const older = vi.hoisted(() => 'ws-8.18');
vi.mock('ws', () => import(/* @vite-ignore */ older));

test('it is the older ws that runs here', async () => {
  const { version } = createRequire(import.meta.url)(`${older}/package.json`) as { version: string };
  const { WebSocket } = await import('ws');
  const { WebSocket: named } = (await import(/* @vite-ignore */ older)) as typeof Ws;
  expect(version).toMatch(/^8\.18\./);
  expect(WebSocket).toBe(named);
});

test('its insides are recognised: what is sent in a turn leaves in one write', async () => {
  await using server = await BroadcastServer.start();
  await server.connect(3);
  for (let at = 0; at < 10; at += 1) void server.app.channelBox.groupSend(room, `${at}`);
  await Promise.all(server.listeners.map((listener) => listener.has(10)));
  expect(server.transport.counts.writes).toBe(3);
});

sendingKeepsItsRules('joined, past the queue of an older ws');
sendingKeepsItsRules('through the send of an older ws', { forcesWs: true });
sendingKeepsItsRules('deflated once, on an older ws', { compression: true });
