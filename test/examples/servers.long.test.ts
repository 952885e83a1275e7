import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Visitor } from './chat-visitor.ts';
import { freePort } from '../free-port.ts';
import { runExample, runExampleToEnd } from './running-example.ts';

/** Opens a socket with a first frame already asked for, so that none is missed. */
async function subscribe(url: string): Promise<{ socket: WebSocket; first: Promise<unknown> }> {
  const socket = new WebSocket(url);
  const first = frameOf(socket);
  await once(socket, 'open');
  return { socket, first };
}

async function frameOf(socket: WebSocket): Promise<unknown> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString());
}

async function statusOf(url: string): Promise<number> {
  const socket = new WebSocket(url);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  socket.terminate();
  return response.statusCode;
}

describe.each(['express', 'fastify', 'hono', 'beside-another'])('examples/%s', (name) => {
  test('serves HTTP and WebSocket on one port and ends in good order', async () => {
    await using example = await runExample(name);
    const { socket, first } = await subscribe(`${example.wsUrl}/topics/news`);

    expect(await first).toEqual({ subscribed: 'news' });
    expect(await (await fetch(example.url)).text()).toContain('/topics/news');
    const echoed = frameOf(socket);
    socket.send('{"said":"over the socket"}');
    expect(await echoed).toEqual({ said: 'over the socket' });
    expect(await statusOf(`${example.wsUrl}/nowhere`)).toBe(404);

    const closed = once(socket, 'close');
    const { code, stderr } = await example.end('SIGTERM');
    expect((await closed)[0]).toBe(1012);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

test.each(['express', 'fastify', 'hono'])('what is posted to %s reaches who listens', async (name) => {
  await using example = await runExample(name);
  const { socket, first } = await subscribe(`${example.wsUrl}/topics/news`);
  await first;
  const told = frameOf(socket);
  const posted = await fetch(`${example.url}/topics/news`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ headline: 'it works' }),
  });

  expect(await posted.json()).toEqual({ members: 1 });
  expect(await told).toEqual({ headline: 'it works' });
  expect((await example.end('SIGINT')).code).toBe(0);
});

test('beside another library, each answers its own path', async () => {
  await using example = await runExample('beside-another');
  const legacy = new WebSocket(`${example.wsUrl}/legacy`);
  await once(legacy, 'open');
  const echoed = frameOf(legacy);
  legacy.send('"old"');

  expect(await echoed).toBe('old');
  const closed = once(legacy, 'close');
  expect((await example.end('SIGTERM')).code).toBe(0);
  expect((await closed)[0]).toBe(1001);
});

test('the smallest server sends back what comes', async () => {
  await using example = await runExample('minimal');
  const socket = new WebSocket(`${example.wsUrl}/echo`);
  await once(socket, 'open');
  const echoed = frameOf(socket);
  socket.send('"hello"');

  expect(await echoed).toBe('hello');
  expect((await example.end('SIGTERM')).code).toBe(0);
});

test('examples/jwt prints a token that lets its bearer in', async () => {
  await using example = await runExample('jwt');
  const { code, stdout } = await example.end('SIGTERM');
  expect({ code, said: stdout }).toEqual({ code: 0, said: expect.stringMatching(/Bearer \S+\.\S+\.\S+\n$/) });
});

describe('the chat server', () => {
  test('serves page, health and sockets, and on a signal sends everybody away to come back', async () => {
    await using example = await runExample('chat');
    const { visitor } = await Visitor.enter(example.wsUrl, { room: 'lobby', username: 'ann' });

    expect(await (await fetch(example.url)).text()).toContain('<title>Chat</title>');
    expect(await (await fetch(`${example.url}/health`)).text()).toBe('ok\n');
    const { code, stdout } = await example.end('SIGTERM');
    expect((await visitor.closed).code).toBe(1012);
    expect({ code, last: stdout.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      last: 'closed 1 connections in order, cut off 0',
    });
  });

  test('lets a load test through where it is told to', async () => {
    await using example = await runExample('chat', ['--port', '0', '--no-rate-limit']);
    const { visitor } = await Visitor.enter(example.wsUrl, { room: 'lobby', username: 'client-0' });
    for (let index = 0; index < 60; index += 1) visitor.say(String(index));

    await expect(visitor.until('59')).resolves.toHaveLength(61);
    expect((await example.end('SIGINT')).code).toBe(0);
  });

  test('says what is wrong with its arguments, and with its port', async () => {
    await using example = await runExample('chat');
    const taken = new URL(example.url).port;
    const [bad, unknown, busy] = await Promise.all([
      runExampleToEnd('chat', ['--port', '70000']),
      runExampleToEnd('chat', ['--prot', '1']),
      runExampleToEnd('chat', ['--port', taken]),
    ]);

    expect(bad).toMatchObject({ code: 2, stderr: '--port is 70000; allowed is a whole number from 0 to 65535\n' });
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("'--prot'") });
    expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining('EADDRINUSE') });
  });
});

test('the chat tells its operator at --metrics what it tells nobody at its own port', async () => {
  const port = await freePort();
  await using chat = await runExample('chat', ['--port', '0', '--metrics', String(port)]);
  await Visitor.enter(chat.wsUrl, { room: 'r' });
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(metrics.headers.get('content-type')).toContain('application/openmetrics-text');
  expect(await metrics.text()).toMatch(/^channelbox_connections 1$/m);
  expect((await fetch(`${chat.url}/metrics`)).status).toBe(404);
  const { code } = await chat.end('SIGTERM');
  expect(code).toBe(0);
});
