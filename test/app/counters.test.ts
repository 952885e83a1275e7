import { App, consumer, type Counters } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';
import { refusalReasons } from '../../src/protocol/counters.ts';

const none: Counters = {
  accepted: 0,
  refused: Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Counters['refused'],
  closed: {},
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  dropped: 0,
  errors: 0,
  invalidFrames: 0,
  protocolErrors: 0,
  controlFrames: 0,
  expired: 0,
  slowConsumers: 0,
  heartbeatTimeouts: 0,
  framings: 0,
  deflates: 0,
  writes: 0,
  logFailures: 0,
};

const echo = (): App =>
  new App().addWsRoute(
    consumer('/x', {
      encoding: 'text',
      onReceive(_ws, data) {
        return this.send(data);
      },
    }),
  );

test('every name is there from the first look, gauges apart from counts', () => {
  expect(new App().inspect()).toEqual({
    connections: 0,
    channels: 0,
    groups: 0,
    memberships: 0,
    bufferedBytes: 0,
    inboundBytes: 0,
    headerBytes: 0,
    historyBytes: 0,
    handlers: 0,
    counters: none,
  });
});

test.each(['memory', 'tcp'] as const)('messages and bytes are counted both ways over %s', async (transport) => {
  await using t = testApp(echo(), { transport });
  const client = await t.connect('/x');
  client.send('grüße');
  await client.expect('grüße');
  expect(t.app.inspect()).toMatchObject({ connections: 1, handlers: 1 });
  await client.close(4001);
  await t.settle();
  const { counters, handlers, channels } = t.app.inspect();
  expect({ handlers, channels }).toEqual({ handlers: 0, channels: 0 });
  expect(counters).toMatchObject({
    accepted: 1,
    messagesIn: 1,
    messagesOut: 1,
    bytesIn: 7,
    bytesOut: 7,
    closed: { 4001: 1 },
    errors: 0,
  });
});

test('pings, breaches of the protocol and frames of the wrong type', async () => {
  const app = echo();
  const { port } = await app.listen(0, '127.0.0.1');
  const dial = async (meet: (client: Client) => void): Promise<void> => {
    const client = new Client(`ws://127.0.0.1:${port}/x`);
    client.on('error', () => {});
    await new Promise((resolve) => client.once('open', resolve));
    const closed = new Promise((resolve) => client.once('close', resolve));
    meet(client);
    await closed;
  };
  await dial((client) => {
    client.ping();
    client.ping();
    client.close(1000);
  });
  await dial((client) => client.send(Buffer.from([1])));
  await dial((client) => {
    // A reserved bit (RFC 6455 §5.2).
    (client as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(
      Uint8Array.of(0xc1, 0x80, 0, 0, 0, 0),
    );
  });
  await app.close();
  expect(app.inspect().counters).toMatchObject({
    accepted: 3,
    controlFrames: 2,
    invalidFrames: 1,
    protocolErrors: 1,
    closed: { 1000: 1, 1002: 1, 1003: 1 },
  });
});

test('a snapshot is what it was', async () => {
  await using t = testApp(echo());
  const before = t.app.inspect();
  const client = await t.connect('/x');
  await client.close();
  expect(before.counters).toEqual(none);
});
