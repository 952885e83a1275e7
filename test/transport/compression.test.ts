import { describe, expect, test } from 'vitest';
import { BroadcastServer, room, type Listener } from './broadcast-server.ts';
import { publish, texts } from './deflated-texts.ts';

describe('what is deflated once', () => {
  test('is read by ws, next to one that did not agree on it', async () => {
    await using server = await BroadcastServer.start({ compression: true });
    const [deflating] = await server.connect(1, { perMessageDeflate: true });
    const [plain] = await server.connect(1, { perMessageDeflate: false });
    publish(server);
    await Promise.all([deflating?.has(texts.length), plain?.has(texts.length)]);
    expect(deflating?.client.extensions).toBe('permessage-deflate');
    expect(plain?.client.extensions).toBe('');
    expect([deflating?.received, plain?.received]).toEqual([texts, texts]);
    // Short: too small. The third: no smaller when deflated. The last: the same text, but another publish.
    expect(server.transport.counts.deflates).toBe(texts.length - 1);
  });

  test('takes fewer bytes on the wire', async () => {
    await using server = await BroadcastServer.start({ compression: true });
    const [listener] = await server.connect(1, { perMessageDeflate: true });
    const { client } = listener as Listener;
    const socket = (client as unknown as { _socket: { bytesRead: number } })._socket;
    const before = socket.bytesRead;
    void server.app.channelBox.groupSend(room, 'word by word '.repeat(200));
    await listener?.has(1);
    expect(socket.bytesRead - before).toBeLessThan(100);
  });

  test('goes plain to a peer that wants a smaller window than it is made with', async () => {
    await using server = await BroadcastServer.start({ compression: true });
    const [listener] = await server.connect(1, { perMessageDeflate: { serverMaxWindowBits: 9 } });
    publish(server);
    await listener?.has(texts.length);
    expect(listener?.received).toEqual(texts);
    expect(server.transport.counts.deflates).toBe(0);
  });
});
