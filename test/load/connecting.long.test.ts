import type { IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { load, vanish, type Adapter, type Scenario } from 'channelbox/load';
import { describe, expect, test } from 'vitest';
import { addressFor, masked } from '../../load/address.ts';
import { openEcho } from './echo-server.ts';

const echo: Adapter = { path: () => '/', publish: (stamp) => stamp, stampOf: String, reach: 'sender' };
const scenario: Scenario = { adapter: echo, clients: 4, duration: '300ms', deadline: '5s' };

describe.each(['ws', 'raw'] as const)('the %s client', (client) => {
  test('closes add up to the clients that were connected, those that never answered by that name', async () => {
    let count = 0;
    // Every other client is never read from again, so its close is not answered.
    await using server = await openEcho({ onConnection: (socket) => ++count % 2 === 0 && socket.pause() });
    const report = await load({ ...scenario, clients: 10, speakers: 0 }, { target: server.url, client });
    expect(report.clients.connected).toBe(10);
    expect(report.closes).toEqual({ 1000: 5, unanswered: 5 });
    expect(report.errors).toContainEqual({
      kind: 'unanswered',
      count: 5,
      sample: expect.stringContaining('its close'),
    });
  });

  test('those that our own chaos cut are named so', async () => {
    await using server = await openEcho();
    const chaos = [vanish(0.5, { at: '1s' })];
    const report = await load({ ...scenario, duration: '1500ms', speakers: 0, chaos }, { target: server.url, client });
    expect(report.closes).toEqual({ 1000: 2, chaos: 2 });
    expect(report.clients.dropped).toBe(0);
  });

  test('user and password of an address are a header, prefix and query are kept, and no output has a secret', async () => {
    const requests: (string | undefined)[][] = [];
    await using server = await openEcho({
      verifyClient: ({ req }: { req: IncomingMessage }) => requests.push([req.url, req.headers.authorization]) > 0,
    });
    const target = `${server.url.replace('//', '//joe:s3cret@')}/behind/?token=abc`;
    const adapter: Adapter = { ...echo, path: ({ index }) => `/room?user=${index}` };
    const report = await load({ ...scenario, clients: 1, adapter }, { target, client });
    const basic = `Basic ${Buffer.from('joe:s3cret').toString('base64')}`;
    expect(requests).toEqual([['/behind/room?token=abc&user=0', basic]]);
    expect(JSON.stringify(report)).not.toMatch(/s3cret|abc/);
    expect(report.environment['target']).toContain('***@127.0.0.1');
  });

  test('a connect that is not answered is given up after connectTimeout, which names itself', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const target = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const report = await load({ ...scenario, duration: '10m', connectTimeout: '100ms' }, { target, client });
    silent.close();
    expect(report.clients).toMatchObject({ connected: 0, refused: 4 });
    expect(report.errors).toEqual([
      { kind: 'connect-timeout', count: 4, sample: expect.stringContaining('within connectTimeout, 100 ms') },
    ]);
  });

  test('a run that nobody gets into ends early, and is the failure of the server that refused', async () => {
    await using server = await openEcho({ verifyClient: (_info, answer) => answer(false, 403) });
    // Four minutes would be the test's own limit.
    const report = await load({ ...scenario, duration: '10m' }, { target: server.url, client });
    expect(report.verdict === 'fail' && report.reasons[0]).toContain('the server refused 4 of 4 clients');
    expect(report.verdict === 'fail' && report.reasons[0]).toContain('http-403');
  });

  test('messages are deflated where that was asked for, in both directions', async () => {
    const extensions: string[] = [];
    await using server = await openEcho({
      perMessageDeflate: { threshold: 0 },
      onConnection: (socket) => void extensions.push(socket.extensions),
    });
    const payloads = { ...scenario, clients: 1, adapter: 'echo' as const, payload: () => 'over and over '.repeat(50) };
    const deflated = await load({ ...payloads, compression: true }, { target: server.url, client });
    const plain = await load(payloads, { target: server.url, client });
    expect(extensions).toEqual(['permessage-deflate', '']);
    for (const report of [deflated, plain]) expect(report.ledger).toMatchObject({ lost: 0, corrupt: 0 });
    expect(deflated.ledger.received).toBe(deflated.ledger.expected);
  });
});

test.each([
  ['ws://h:1', '', 'ws://h:1/'],
  ['ws://h:1/app', '', 'ws://h:1/app'],
  ['ws://h:1/app/', '/room/7?u=1', 'ws://h:1/app/room/7?u=1'],
  ['ws://h:1/app?k=2', '/room', 'ws://h:1/app/room?k=2'],
  ['ws://h:1/app?k=2', '?u=1', 'ws://h:1/app?k=2&u=1'],
  ['ws://a:b@h:1/', 'room', 'ws://h:1/room'],
])('a client of %s that asks for %j opens %s', (target, path, opened) => {
  expect(addressFor(target, path).href).toBe(opened);
});

test.each([
  ['nothing answers at ws://joe:p@ss@h:1/x: no', 'nothing answers at ws://***@h:1/x: no'],
  ['wss://h/?access_token=a.b-c&room=7', 'wss://h/?access_token=***&room=7'],
  ['a room called a@b', 'a room called a@b'],
])('%s is shown as %s', (text, shown) => {
  expect(masked(text)).toBe(shown);
});
