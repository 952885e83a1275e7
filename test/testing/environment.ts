import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { bridgeMockSocket, type PageWebSocketClass } from 'channelbox/testing/mock-socket';
import { expect, test } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function app(): App {
  return new App({ logger: quiet })
    .wsRoute('/echo', async (ws) => {
      await ws.accept();
      for await (const { data } of ws) await ws.send(data);
    })
    .addWsRoute(
      consumer('/bytes', {
        encoding: 'bytes',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('all');
        },
        async onReceive(_ws, data: Uint8Array) {
          await this.broadcast(Buffer.concat([Buffer.from(data), Buffer.from('!')]), 'all');
        },
      }),
    );
}

/** What has to work in whatever environment a test runs: imports, text, bytes, Blob, the bridge. */
export function environmentTests(): void {
  test('text, JSON and bytes of every class pass both ways', async () => {
    await using t = testApp(app());
    const [ann, bob] = await t.connectAll(2, '/bytes');
    ann.sendBytes(Buffer.from('a'));
    for (const client of [ann, bob]) expect([...(await client.receiveBytes())]).toEqual([97, 33]);
    const cid = await t.connect('/echo');
    cid.sendText('text');
    await cid.expect('text');
    cid.sendJson({ a: 1 }, 'binary');
    await cid.expect({ a: 1 });
    cid.send(new TextEncoder().encode('x'));
    await cid.expect(new TextEncoder().encode('x'));
  });

  test('a page meets the app over the bridge, with its own Blob and Event', async () => {
    const t = testApp(app());
    using _bridge = bridgeMockSocket(t, 'ws://chat.test');
    const { WebSocket } = globalThis as unknown as { readonly WebSocket: PageWebSocketClass };
    const socket = new WebSocket('ws://chat.test/echo');
    socket.binaryType = 'arraybuffer';
    const story: unknown[] = [];
    for (const type of ['open', 'close']) {
      socket.addEventListener(type, (event) => story.push(event.type, event instanceof Event, event.target === socket));
    }
    const heard: unknown[] = [];
    socket.onmessage = ({ data }) =>
      heard.push(typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)]);
    await t.settle();
    socket.send('hi');
    socket.send(new Blob(['blob']));
    socket.send(new Uint8Array([1, 2]));
    await t.settle();
    await expect.poll(() => heard).toEqual(['hi', [98, 108, 111, 98], [1, 2]]);
    socket.binaryType = 'blob';
    socket.onmessage = ({ data }) => heard.push(data instanceof Blob, (data as Blob).size);
    socket.send(new Uint8Array([9, 9, 9]));
    await t.settle();
    expect(heard.slice(3)).toEqual([true, 3]);
    expect(socket.dispatchEvent(new Event('own'))).toBe(true);
    socket.close(1000);
    await t.settle();
    expect(story).toEqual(['open', true, true, 'close', true, true]);
    await t.close();
  });
}
