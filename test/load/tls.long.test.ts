import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { constant, load, type RunReport, type Scenario } from 'channelbox/load';
import { WebSocketServer } from 'ws';
import { describe, expect, test } from 'vitest';

// Of an authority that nobody knows, for localhost, 127.0.0.1 and chat.example; they outlive us all.
const pathOf = (name: string): string => fileURLToPath(new URL(`./fixtures/tls/${name}`, import.meta.url));
const textOf = (name: string): string => readFileSync(pathOf(name), 'utf8');

// Each run ends once both clients have spoken, however long the machine takes to come there.
const scenario: Scenario = { adapter: 'echo', clients: 2, schedule: constant(20), duration: '20s', deadline: '5s' };

describe.each(['ws', 'raw'] as const)('the %s client over TLS', (client) => {
  const run = async (server: SecureEcho, changes: Pick<Scenario, 'tls' | 'duration'> = {}): Promise<RunReport> =>
    await load({ ...scenario, ...changes }, { target: server.url, client, signal: server.bothSpeak() });

  test('believes a certificate of the authority that it was given, as a file or as PEM', async () => {
    await using server = await secureEcho();
    for (const ca of [pathOf('ca.pem'), textOf('ca.pem')]) {
      const report = await run(server, { tls: { ca } });
      expect(report.clients).toMatchObject({ connected: 2, refused: 0 });
      expect(report.environment).not.toHaveProperty('certificate');
    }
  });

  test('checks the name that it was given', async () => {
    await using server = await secureEcho();
    const report = await run(server, { tls: { ca: pathOf('ca.pem'), servername: 'chat.example' } });
    expect(report.clients.connected).toBe(2);
    await expect(run(server, { tls: { ca: pathOf('ca.pem'), servername: 'other.example' } })).rejects.toMatchObject({
      code: 'CHANNELBOX_TARGET_UNREACHABLE',
      message: expect.stringContaining('--servername'),
    });
  });

  test('does not believe an unknown authority unless told to, and then the report says so', async () => {
    await using server = await secureEcho();
    await expect(run(server)).rejects.toMatchObject({
      code: 'CHANNELBOX_TARGET_UNREACHABLE',
      message: expect.stringContaining('--ca'),
    });
    const report = await run(server, { tls: { insecure: true } });
    expect(report.clients.connected).toBe(2);
    expect(report.environment['certificate']).toContain('not verified');
  });

  test('shows its own certificate to a server that asks for one, and is refused without', async () => {
    await using server = await secureEcho({ ca: textOf('ca.pem'), requestCert: true, rejectUnauthorized: true });
    const ca = pathOf('ca.pem');
    const report = await run(server, { tls: { ca, cert: pathOf('client.pem'), key: pathOf('client.key') } });
    expect(report.clients.connected).toBe(2);
    const refused = await run(server, { tls: { ca }, duration: '300ms' });
    expect(refused.clients).toMatchObject({ connected: 0, refused: 2 });
    expect(refused.verdict).toBe('fail');
  });
});

test('a server that speaks no TLS is unreachable at wss://', async () => {
  const plain = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(plain, 'listening');
  const target = `wss://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  await expect(load(scenario, { target })).rejects.toMatchObject({ code: 'CHANNELBOX_TARGET_UNREACHABLE' });
  plain.close();
});

test.each([
  [{ ca: './no-such.pem' }, 'tls.ca', /cannot be read/],
  [{ cert: pathOf('client.pem') }, 'tls.key', /is missing; cert came/],
  [{ cert: pathOf('client.pem'), key: pathOf('server.key') }, 'tls', /key that fits/],
  [{ ca: pathOf('../rooms.ts') }, 'tls.ca', /holds no PEM/],
])('%j is refused before the first connect, at %s', async (tls, path, message) => {
  await expect(load({ ...scenario, tls }, { target: 'wss://127.0.0.1:9' })).rejects.toMatchObject({
    path,
    message: expect.stringMatching(message),
  });
});

interface SecureEcho extends AsyncDisposable {
  readonly url: string;
  /** Aborts when two more clients have spoken. */
  bothSpeak(): AbortSignal;
}

async function secureEcho(options: ServerOptions = {}): Promise<SecureEcho> {
  const http = createServer({ cert: textOf('server.pem'), key: textOf('server.key'), ...options });
  const sockets = new WebSocketServer({ server: http });
  let spoke = (): void => {};
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined).on('message', (data) => socket.send((data as Buffer).toString()));
    socket.once('message', () => spoke());
  });
  http.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `wss://127.0.0.1:${(http.address() as AddressInfo).port}`,
    bothSpeak(): AbortSignal {
      const both = new AbortController();
      let count = 0;
      spoke = () => (count += 1) === 2 && both.abort();
      return both.signal;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
