/** The configurations of examples/deploy, as they stand but for ports and paths, in front of two processes' worth of apps. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { App } from 'channelbox';
import { WebSocket } from 'ws';
import { freePort } from '../free-port.ts';
import { requirement } from '../requirement.ts';
import { haproxyArguments, nginxArguments, type Ports } from './proxy-configuration.ts';

const nginx = requirement('nginx');
const haproxy = requirement('haproxy');

/** An app that says which it is, and what it sees of its client. */
function createApp(name: string): App {
  return new App({
    http: (_request, response) => void response.end('ok\n'),
    limits: { maxPayloadBytes: 2 ** 21 },
  }).wsRoute('/echo', async (ws) => {
    await ws.accept();
    await ws.sendJson({ name, forwarded: ws.headers.get('x-forwarded-for'), host: ws.headers.get('host') });
    for await (const { data } of ws) await ws.send(data);
  });
}

interface Proxy {
  readonly name: string;
  readonly program: string | undefined;
  /** Writes the configuration, and says how the program is started in the foreground with it. */
  configure(folder: string, ports: Ports): readonly string[];
}

const proxies: readonly Proxy[] = [
  { name: 'nginx', program: nginx, configure: nginxArguments },
  { name: 'HAProxy', program: haproxy, configure: haproxyArguments },
];

describe.each(proxies)('behind $name', ({ program, configure }) => {
  // left out: where the program is missing, see requirement.ts
  describe.skipIf(program === undefined)('with the configuration of examples/deploy', () => {
    let folder: string;
    let child: ChildProcess;
    let ports: Ports;
    const apps: App[] = [];
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'proxy-'));
      ports = { front: await freePort(), backs: [await freePort(), await freePort()] };
      for (const [at, port] of ports.backs.entries()) {
        const app = createApp(`app ${at}`);
        await app.listen(port, '127.0.0.1');
        apps.push(app);
      }
      child = spawn(program ?? '', configure(folder, ports), {
        stdio: ['ignore', openSync(join(folder, 'stdout'), 'a'), 'ignore'],
      });
      // real time: another program starts
      await vi.waitUntil(
        () =>
          fetch(`http://127.0.0.1:${ports.front}/health`).then(
            (it) => it.ok,
            () => false,
          ),
        { timeout: 60_000, interval: 100 },
      );
    });
    afterAll(async () => {
      child?.kill('SIGTERM');
      if (child?.exitCode === null && child.signalCode === null) await once(child, 'exit');
      for (const app of apps) await app.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const at = (path: string): string => `ws://127.0.0.1:${ports.front}${path}`;
    interface Greeting {
      readonly name: string;
      readonly forwarded: string;
      readonly host: string;
    }
    async function open(
      path = '/echo',
      headers: Record<string, string> = {},
    ): Promise<{ socket: WebSocket; greeting: Greeting }> {
      const socket = new WebSocket(at(path), { headers });
      const [data] = (await once(socket, 'message')) as [Buffer];
      return { socket, greeting: JSON.parse(data.toString()) as Greeting };
    }

    test('messages of a MiB go and come, text and bytes', async () => {
      const { socket } = await open();
      for (const sent of ['x'.repeat(2 ** 20), Buffer.alloc(2 ** 20, 7)]) {
        socket.send(sent);
        const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
        expect([isBinary, data.equals(Buffer.from(sent))]).toEqual([typeof sent !== 'string', true]);
      }
      socket.terminate();
    });

    test('a page of the site is let in, one of another is not', async () => {
      const { socket, greeting } = await open('/echo', { origin: `http://127.0.0.1:${ports.front}` });
      expect(greeting.host).toBe(`127.0.0.1:${ports.front}`);
      socket.terminate();
      const stranger = new WebSocket(at('/echo'), { headers: { origin: 'https://evil.example' } });
      stranger.on('error', () => {});
      const [, response] = await once(stranger, 'unexpected-response');
      expect((response as { statusCode: number }).statusCode).toBe(403);
      stranger.terminate();
    });

    test('an address that the client made up is thrown away', async () => {
      const { socket, greeting } = await open('/echo', { 'x-forwarded-for': '203.0.113.7' });
      expect(greeting.forwarded).toBe('127.0.0.1');
      socket.terminate();
    });

    test('who is drained is told so, and finds the other process at once', async () => {
      const { socket, greeting } = await open();
      const drained = Number(greeting.name.slice(-1));
      const closed = once(socket, 'close');
      await apps[drained]?.drain({ withinMs: 20_000 });
      expect((await closed)[0]).toBe(1012);
      for (let again = 0; again < 5; again += 1) {
        const next = await open();
        expect(next.greeting.name).toBe(`app ${1 - drained}`);
        next.socket.terminate();
      }
      // It comes back, as the next process at its port.
      await apps[drained]?.close();
      const restarted = createApp(`app ${drained}`);
      await restarted.listen(ports.backs[drained] ?? 0, '127.0.0.1');
      apps[drained] = restarted;
    });

    test('the query is in no log', async () => {
      const { socket } = await open('/echo?token=secret-of-ann');
      socket.terminate();
      await once(socket, 'close');
      const logs = spawnSync('grep', ['-r', 'secret-of-ann', folder], { encoding: 'utf8' });
      expect(logs.stdout).toBe('');
      // real time: another program writes its log
      await expect
        .poll(() => spawnSync('grep', ['-r', 'GET /echo', folder], { encoding: 'utf8' }).stdout)
        .toContain('101');
    });
  });
});
