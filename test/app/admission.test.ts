import { App, type AppOptions, type ServerWebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

function room(options: AppOptions): { app: App; sockets: ServerWebSocket[] } {
  const sockets: ServerWebSocket[] = [];
  const app = new App(options).wsRoute('/', async (ws) => {
    await ws.accept();
    sockets.push(ws);
    await ws.receive();
  });
  return { app, sockets };
}

const from = (host: string): { client: { host: string; port: number } } => ({ client: { host, port: 1234 } });

describe.each(['memory', 'tcp'] as const)('connections of one address, over %s', (transport) => {
  test('are bounded, those on their way included, and a place is free again when one has gone', async () => {
    const { app } = room({ limits: { connectionsPerAddress: 2 }, trustProxy: 1 });
    await using t = testApp(app, { transport });
    const as = (host: string): { headers: Record<string, string> } => ({ headers: { 'x-forwarded-for': host } });
    const [one] = [await t.connect('/', as('10.1.1.1')), await t.connect('/', as('10.1.1.1'))];
    expect(await t.handshake('/', as('10.1.1.1'))).toMatchObject({ kind: 'denied', status: 429 });
    await t.connect('/', as('10.1.1.2'));

    await one.close();
    await t.settle();
    await t.connect('/', as('10.1.1.1'));
    expect(await t.handshake('/', as('10.1.1.1'))).toMatchObject({ kind: 'denied', status: 429 });
  });
});

test('a handshake that is thought about counts for its address', async () => {
  let accept = (): void => {};
  const app = new App({ limits: { connectionsPerAddress: 1 } }).wsRoute('/slow', async (ws) => {
    await new Promise<void>((resolve) => {
      accept = resolve;
    });
    await ws.accept();
    await ws.receive();
  });
  await using t = testApp(app, { watchdogMs: 20 });
  const slow = t.connect('/slow', from('10.0.0.7'));
  await t.settle({ realMs: 20 });
  expect(await t.handshake('/slow', from('10.0.0.7'))).toMatchObject({ status: 429, by: 'limit' });
  accept();
  await slow;
});

describe('trustProxy', () => {
  const chain = '203.0.113.9, 198.51.100.2, 10.0.0.3';
  const cases: readonly [string, AppOptions['trustProxy'], Record<string, string>, string][] = [
    ['nobody, where it is not set', undefined, { 'x-forwarded-for': chain }, '10.0.0.2'],
    ['no hop', 0, { 'x-forwarded-for': chain }, '10.0.0.2'],
    ['one hop', 1, { 'x-forwarded-for': chain }, '10.0.0.3'],
    ['two hops', 2, { 'x-forwarded-for': chain }, '198.51.100.2'],
    ['more hops than there are', 9, { 'x-forwarded-for': chain }, '203.0.113.9'],
    ['networks', ['10.0.0.0/8'], { 'x-forwarded-for': chain }, '198.51.100.2'],
    ['one address alone', ['10.0.0.2'], { 'x-forwarded-for': chain }, '10.0.0.3'],
    ['a network that the proxy is not in', ['192.168.0.0/16'], { 'x-forwarded-for': chain }, '10.0.0.2'],
    ['who a function passes', (address) => address.startsWith('10.'), { 'x-forwarded-for': chain }, '198.51.100.2'],
    [
      'what Forwarded says',
      1,
      { forwarded: 'for=192.0.2.1;proto=https, for="[2001:db8::1]:4711";by=x' },
      '2001:db8::1',
    ],
    ['both, where they agree', 1, { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' }, '192.0.2.1'],
    ['neither, where they disagree', 1, { 'x-forwarded-for': '192.0.2.1', forwarded: 'for=1.2.3.4' }, '10.0.0.2'],
    ['no name', 1, { 'x-forwarded-for': 'localhost' }, '10.0.0.2'],
    ['nothing that hides', 2, { forwarded: 'for=192.0.2.1, for=_hidden' }, '10.0.0.2'],
    ['a port beside it', 1, { 'x-forwarded-for': '192.0.2.1:8080' }, '192.0.2.1'],
    ['IPv4 within IPv6', ['10.0.0.0/8'], { 'x-forwarded-for': '::ffff:192.0.2.1' }, '192.0.2.1'],
  ];
  test.each(cases)('believes %s', async (_, trustProxy, headers, host) => {
    const { app, sockets } = room(trustProxy === undefined ? {} : { trustProxy });
    await using t = testApp(app);
    await t.connect('/', { headers, ...from('10.0.0.2') });
    expect(sockets[0]?.client.host).toBe(host);
  });

  test.each([-1, 1.5, ['nowhere'], ['10.0.0.0/33'], ['10.0.0.0/x'], 'loopback'])(
    'that is %s is refused',
    (trustProxy) => {
      expect(() => new App({ trustProxy: trustProxy as number })).toThrow(
        expect.objectContaining({ code: 'CHANNELBOX_TRUST_PROXY' }),
      );
    },
  );
});

describe('hosts', () => {
  const ours: AppOptions['hosts'] = ['app.example.org', 'localhost:8080', /\.internal$/];
  test.each([
    ['app.example.org', true],
    ['APP.example.org:443', true],
    ['localhost:8080', true],
    ['localhost:8081', false],
    ['localhost', false],
    ['a.internal:3000', true],
    ['evil.example.net', false],
    ['app.example.org.evil.net', false],
  ])('takes %s: %s', async (host, isOurs) => {
    const { app } = room({ hosts: ours, origins: '*' });
    await using t = testApp(app);
    const answer = await t.handshake('/', { headers: { host } });
    expect(answer).toMatchObject(isOurs ? { kind: 'accepted' } : { kind: 'denied', status: 421, by: 'host' });
  });
});

test.each(['null', '', 'http://', 'nonsense'])(
  'an Origin of %j is nobody, also beside a Host that cannot be read',
  async (origin) => {
    const { app } = room({});
    await using t = testApp(app);
    expect(await t.handshake('/', { headers: { host: 'a b', origin } })).toMatchObject({ status: 403, by: 'origin' });
  },
);
