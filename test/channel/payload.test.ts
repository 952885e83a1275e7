import { Channel, type PayloadType, type ServerWebSocket } from 'channelbox';
import { expect, test } from 'vitest';
import { turn } from '../manual-clock.ts';
import { Stage } from '../stage.ts';

const refused = 'CHANNELBOX_PAYLOAD_KIND';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const rows: readonly (readonly [what: string, payload: unknown, Record<PayloadType, string | Uint8Array>])[] = [
  ['a string', 'hé', { json: '"hé"', text: 'hé', bytes: utf8('hé') }],
  ['an empty string', '', { json: '""', text: '', bytes: utf8('') }],
  ['a Uint8Array', Uint8Array.of(1, 255), { json: refused, text: refused, bytes: Uint8Array.of(1, 255) }],
  ['a Buffer', Buffer.from([1, 255]), { json: refused, text: refused, bytes: Uint8Array.of(1, 255) }],
  ['an object', { a: 'é' }, { json: '{"a":"é"}', text: '{"a":"é"}', bytes: utf8('{"a":"é"}') }],
  ['a number', 7, { json: '7', text: '7', bytes: utf8('7') }],
  ['null', null, { json: 'null', text: 'null', bytes: utf8('null') }],
];
const cases = rows.flatMap(([what, payload, becomes]) =>
  (['json', 'text', 'bytes'] as const).map((kind) => ({ what, payload, kind, becomes: becomes[kind] })),
);

test.each(cases)('$what to a $kind channel, by every way to send', async ({ payload, kind, becomes }) => {
  await using stage = new Stage({}, (app) =>
    app.wsRoute('/kind', async (ws) => {
      new Channel(ws, { payloadType: kind });
      await ws.accept();
      stage.sockets.push(ws);
      await ws.join('room');
      await ws.receive();
    }),
  );
  const peer = await stage.peers.connect('/kind');
  const ws = stage.sockets[0] as ServerWebSocket;
  const box = stage.app.channelBox;
  const ways = [
    async () => ws.channel.send(payload),
    async () => box.sendTo(ws.id, payload),
    async () => box.groupSend('room', payload),
    async () => box.groupSend('room', payload, { saveHistory: true }),
  ];

  const outcomes: unknown[] = [];
  for (const way of ways) {
    const outcome: unknown = await way().catch((error: { code?: string }) => error.code);
    outcomes.push(typeof outcome === 'object' ? (outcome as { sent: number }).sent : outcome);
  }
  await turn(3);

  const isRefused = becomes === refused;
  expect(outcomes).toEqual(isRefused ? ways.map(() => refused) : ['sent', 'sent', 1, 1]);
  expect(peer.texts).toEqual(isRefused ? [] : ways.map(() => becomes));
  expect((await box.showHistory('room')).messages).toHaveLength(isRefused ? 0 : 1);
});
