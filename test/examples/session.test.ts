import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createSite, type SessionOptions } from '../../examples/session/app.ts';
import { ManualClock } from '../manual-clock.ts';

/** The site on a port of its own, and a visitor of it with a cookie. */
async function open(options: Partial<SessionOptions> = {}): Promise<{
  url: string;
  signIn(user: string): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const { app, server } = createSite({ secret: 'of the test', ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async signIn(user) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/sign-in`, { method: 'POST', headers, body: JSON.stringify({ user }) });
      return response.headers.get('set-cookie')?.split(';')[0] ?? '';
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await app.close();
      server.closeAllConnections();
    },
  };
}

async function firstFrame(url: string, cookie: string): Promise<{ socket: WebSocket; frame: unknown }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/feed`, { headers: { cookie } });
  const [data] = (await once(socket, 'message')) as [Buffer];
  return { socket, frame: JSON.parse(data.toString()) };
}

async function statusWith(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/feed`, { headers });
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  socket.terminate();
  return (response as { statusCode: number }).statusCode;
}

describe('examples/session', () => {
  test('opens the feed for who is signed in, under the name of the session', async () => {
    await using site = await open();
    const cookie = await site.signIn('ann');
    const { socket, frame } = await firstFrame(site.url, cookie);
    expect(frame).toEqual({ signedInAs: 'ann' });
    socket.terminate();
  });

  test('refuses who is not, whose cookie was changed, and pages of another site', async () => {
    await using site = await open();
    const cookie = await site.signIn('ann');
    expect(await statusWith(site.url, {})).toBe(401);
    expect(await statusWith(site.url, { cookie: `${cookie}x` })).toBe(401);
    expect(await statusWith(site.url, { cookie, origin: 'https://evil.example' })).toBe(403);
  });

  test('closes every socket of a session when its user signs out, and no other', async () => {
    await using site = await open();
    const [ann, bob] = [await site.signIn('ann'), await site.signIn('bob')];
    const opened = [await firstFrame(site.url, ann), await firstFrame(site.url, ann), await firstFrame(site.url, bob)];
    const closes = opened.slice(0, 2).map(({ socket }) => once(socket, 'close'));
    await fetch(`${site.url}/sign-out`, { method: 'POST', headers: { cookie: ann } });
    expect((await Promise.all(closes)).map(([code]) => code as number)).toEqual([4401, 4401]);
    expect(opened[2]?.socket.readyState).toBe(WebSocket.OPEN);
    expect(await statusWith(site.url, { cookie: ann })).toBe(401);
    opened[2]?.socket.terminate();
  });

  test('closes a socket with 4401 when its session runs out, and not before', async () => {
    const clock = new ManualClock();
    clock.jump(Date.now() - clock.now());
    await using site = await open({ maxAgeMs: 10_000, clock });
    const { socket } = await firstFrame(site.url, await site.signIn('ann'));
    const closed = once(socket, 'close');
    clock.advance(9_000);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(2_000);
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4401, 'the session has run out']);
  });
});
