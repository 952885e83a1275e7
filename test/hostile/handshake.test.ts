import { describe, expect, test } from 'vitest';
import { Arena } from './arena.ts';
import { handshake, type HeaderChanges } from './raw-client.ts';
import { text } from './frames.ts';

interface Refused {
  readonly what: string;
  readonly start?: string;
  readonly changes?: HeaderChanges;
  readonly status: number;
}

const get = 'GET /echo HTTP/1.1';

const refused: readonly Refused[] = [
  { what: 'a path that no route takes', start: 'GET /nowhere HTTP/1.1', status: 404 },
  { what: 'POST', start: 'POST /echo HTTP/1.1', status: 405 },
  { what: 'PUT', start: 'PUT /echo HTTP/1.1', status: 405 },
  { what: 'a plain GET', changes: { Upgrade: undefined, Connection: 'close' }, status: 426 },
  { what: 'no Upgrade header', changes: { Upgrade: undefined, Connection: 'close, upgrade' }, status: 426 },
  { what: 'an upgrade to h2c', changes: { Upgrade: 'h2c' }, status: 400 },
  { what: 'no Sec-WebSocket-Key', changes: { 'Sec-WebSocket-Key': undefined }, status: 400 },
  { what: 'an empty key', changes: { 'Sec-WebSocket-Key': '' }, status: 400 },
  { what: 'a key that is not 16 bytes', changes: { 'Sec-WebSocket-Key': 'c2hvcnQ=' }, status: 400 },
  { what: 'a key that is no base64', changes: { 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }, status: 400 },
  {
    what: 'two keys',
    changes: { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] },
    status: 400,
  },
  { what: 'no Sec-WebSocket-Version', changes: { 'Sec-WebSocket-Version': undefined }, status: 400 },
  { what: 'version 14', changes: { 'Sec-WebSocket-Version': '14' }, status: 426 },
  { what: 'version 8', changes: { 'Sec-WebSocket-Version': '8' }, status: 426 },
  { what: 'two versions', changes: { 'Sec-WebSocket-Version': ['13', '8'] }, status: 426 },
  { what: 'no Host', changes: { Host: undefined }, status: 400 },
  { what: 'two Hosts', changes: { Host: ['app.test', 'app.test'] }, status: 400 },
  { what: 'an empty Host', changes: { Host: '' }, status: 400 },
  { what: 'a Host that carries a path', changes: { Host: 'app.test/evil' }, status: 400 },
  { what: 'a Host that carries a user', changes: { Host: 'user@app.test' }, status: 400 },
  { what: 'a Host with a broken escape', changes: { Host: 'a%zz' }, status: 400 },
  { what: 'a Host with a port that is none', changes: { Host: 'app.test:99999' }, status: 400 },
  { what: 'a body by Content-Length', changes: { 'Content-Length': '5' }, status: 400 },
  { what: 'a body in chunks', changes: { 'Transfer-Encoding': 'chunked' }, status: 400 },
  { what: 'an absolute target of another scheme', start: 'GET ftp://app.test/echo HTTP/1.1', status: 400 },
  { what: 'a path with dot segments', start: 'GET /a/../echo HTTP/1.1', status: 400 },
  { what: 'a path with escaped dot segments', start: 'GET /a/%2e%2e/echo HTTP/1.1', status: 400 },
  { what: 'a path with an escaped slash behind dots', start: 'GET /a/%2e%2e%2fecho HTTP/1.1', status: 404 },
  { what: 'a path with a backslash', start: 'GET /a\\..\\echo HTTP/1.1', status: 400 },
  { what: 'a path with an empty segment', start: 'GET //echo HTTP/1.1', status: 404 },
  { what: 'a path with a lone percent sign', start: 'GET /% HTTP/1.1', status: 400 },
  { what: 'a path with a broken escape', start: 'GET /%zz HTTP/1.1', status: 400 },
  { what: 'a path with an escaped NUL', start: 'GET /room/%00 HTTP/1.1', status: 400 },
  { what: 'a path of 8 kB', start: `GET /${'x'.repeat(8000)} HTTP/1.1`, status: 404 },
  { what: 'a NUL in the path', start: 'GET /ec\0ho HTTP/1.1', status: 400 },
  { what: 'a control character in a header', changes: { 'X-Odd': 'a\x01b' }, status: 400 },
  { what: '20 kB of headers', changes: { 'X-Long': 'x'.repeat(20_000) }, status: 431 },
  { what: '2 600 headers', changes: { 'X-Many': Array.from({ length: 2_600 }, () => 'x') }, status: 431 },
  { what: 'an empty subprotocol', changes: { 'Sec-WebSocket-Protocol': '' }, status: 400 },
  { what: 'an empty subprotocol among others', changes: { 'Sec-WebSocket-Protocol': 'a,,b' }, status: 400 },
  { what: 'the same subprotocol twice', changes: { 'Sec-WebSocket-Protocol': ['a', 'b', 'a'] }, status: 400 },
  { what: 'a subprotocol that is no token', changes: { 'Sec-WebSocket-Protocol': 'a b' }, status: 400 },
];

const foreignOrigins = [
  'http://evil.test',
  'null',
  'http://app.test.evil.test',
  'http://app.test:81',
  'file://app.test',
  'not an origin',
];

describe('an opening handshake over TCP is refused for', () => {
  test.each(refused)('$what, with $status', async ({ start = get, changes = {}, status }) => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    client.write(handshake(start, changes));

    expect((await client.answer())?.status).toBe(status);
    expect(arena.visits).toEqual([]);
    expect(arena.seriousLogs).toEqual([]);
    await arena.expectUndisturbed();
  });

  test.each(foreignOrigins)('the Origin %s, with 403', async (origin) => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    client.write(handshake(get, { Origin: origin }));

    expect((await client.answer())?.status).toBe(403);
    await arena.expectUndisturbed();
  });
});

describe('an opening handshake over TCP is answered with 101 for', () => {
  test.each(['http://app.test', 'https://app.test', 'http://APP.TEST', 'http://app.test:80'])(
    'its own Origin, written %s',
    async (origin) => {
      await using arena = await Arena.open();
      const client = await arena.raw();

      client.write(handshake(get, { Origin: origin }));

      expect((await client.answer())?.status).toBe(101);
    },
  );

  test('one without an Origin, which no browser sends', async () => {
    await using arena = await Arena.open();

    const client = await arena.upgraded();

    client.write(text('hello'));
    expect(await client.text()).toBe('hello');
  });

  test('a subprotocol that nobody chose, which is not echoed', async () => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    client.write(handshake(get, { 'Sec-WebSocket-Protocol': 'chat, superchat' }));

    const answer = await client.answer();
    expect(answer?.status).toBe(101);
    expect(answer?.headers.get('sec-websocket-protocol')).toBeNull();
  });

  test.each(['constructor', '__proto__', 'toString; x=1'])('the extension %s, which is passed over', async (name) => {
    await using arena = await Arena.open({ compression: true });
    const client = await arena.raw();

    client.write(handshake(get, { 'Sec-WebSocket-Extensions': name }));

    const answer = await client.answer();
    expect(answer?.status).toBe(101);
    expect(answer?.headers.get('sec-websocket-extensions')).toBeNull();
    await arena.expectUndisturbed(2);
  });

  test('headers that come byte by byte', async () => {
    await using arena = await Arena.open();
    const client = await arena.raw();

    for (const byte of handshake()) client.write(byte);

    expect((await client.answer())?.status).toBe(101);
  });
});

test.each(['7', '16', '1e3', '""', '-1'])('a deflate window of %s bits is refused or left out', async (bits) => {
  await using arena = await Arena.open({ compression: true });
  const client = await arena.raw();

  client.write(handshake(get, { 'Sec-WebSocket-Extensions': `permessage-deflate; server_max_window_bits=${bits}` }));

  const answer = await client.answer();
  expect(answer?.headers.get('sec-websocket-extensions') ?? '').not.toContain('window_bits');
  expect([101, 400]).toContain(answer?.status);
  await arena.expectUndisturbed(answer?.status === 101 ? 2 : 1);
});

test('a list of subprotocols with thousands of blanks is judged at once', async () => {
  await using arena = await Arena.open();
  const client = await arena.raw();
  const list = `a,${' '.repeat(12_000)}b${' '.repeat(1_000)}x`;

  // Of this process's own time: other processes have theirs.
  const start = process.cpuUsage();
  client.write(handshake(get, { 'Sec-WebSocket-Protocol': list }));

  expect((await client.answer())?.status).toBe(400);
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(500);
});

test('version 14 is told which version there is', async () => {
  await using arena = await Arena.open();
  const client = await arena.raw();

  client.write(handshake(get, { 'Sec-WebSocket-Version': '14' }));

  expect((await client.answer())?.headers.get('sec-websocket-version')).toBe('13');
});

test('a request pipelined behind a refused handshake is not answered', async () => {
  await using arena = await Arena.open({ http: (_request, response) => response.end('plain') });
  const client = await arena.raw();

  client.write(handshake('GET /nowhere HTTP/1.1'), 'GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n');

  const answer = await client.answer();
  expect(answer?.status).toBe(404);
  expect(answer?.body).toBe('');
  await arena.expectUndisturbed();
});

test('a request pipelined behind an accepted handshake is read as frames and ends with 1002', async () => {
  await using arena = await Arena.open({ http: (_request, response) => response.end('plain') });
  const client = await arena.raw();

  client.write(handshake(), 'GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n');

  expect((await client.answer())?.status).toBe(101);
  expect(await client.closeCode()).toBe(1002);
  client.destroy();
  await arena.expectUndisturbed();
});

test('CONNECT is not taken', async () => {
  await using arena = await Arena.open();
  const client = await arena.raw();

  client.write(handshake('CONNECT /echo HTTP/1.1', { ':protocol': undefined }));

  expect((await client.answer())?.status).not.toBe(101);
  await arena.expectUndisturbed();
});

test('a token in the query reaches no log', async () => {
  await using arena = await Arena.open({
    routes: (app) =>
      app.wsRoute('/broken', () => {
        throw new Error('planted');
      }),
  });
  const client = await arena.raw();

  client.write(handshake('GET /broken?token=s3cret HTTP/1.1', { Authorization: 'Bearer s3cret' }));

  expect((await client.answer())?.status).toBe(500);
  expect(arena.seriousLogs).toHaveLength(1);
  expect(JSON.stringify(arena.logs)).not.toContain('s3cret');
});
