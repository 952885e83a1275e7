import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constant, load } from 'channelbox/load';
import { expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { LatencyHistogram } from '../../load/ledger/histogram.ts';

test('the HTTP routes of a server are loaded beside its sockets, in the same report', async () => {
  let requests = 0;
  let frames = 0;
  let look = (): void => {};
  const http = createServer((request, response) => {
    requests += 1;
    response.statusCode = request.url === '/health' ? 200 : 404;
    response.end('fine');
    look();
  });
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      frames += 1;
      socket.send((data as Buffer).toString());
      look();
    });
  });
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const target = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  /** So much more has come: the run ends, however long the machine took for that. */
  const come = (more: { readonly requests: number; readonly frames: number }): AbortSignal => {
    const all = new AbortController();
    const due = { requests: requests + more.requests, frames: frames + more.frames };
    look = () => requests >= due.requests && frames >= due.frames && all.abort();
    return all.signal;
  };

  const echoes = { clients: 5, schedule: constant(20), duration: '20s', deadline: '5s', target } as const;
  const healthy = await load(echoes, {
    http: { url: '/health', perSecond: 50, connections: 2 },
    signal: come({ requests: 30, frames: 60 }),
  });
  const broken = await load(echoes, {
    http: { url: '/nowhere', perSecond: 50 },
    signal: come({ requests: 10, frames: 0 }),
  });
  sockets.close();
  await new Promise((resolve) => {
    http.close(resolve);
    http.closeAllConnections();
  });

  expect(healthy.ledger).toMatchObject({ lost: 0, duplicated: 0, misrouted: 0, corrupt: 0 });
  expect(healthy.ledger.received).toBeGreaterThan(50);
  expect(healthy.generator['httpRequests']).toBeGreaterThan(20);
  expect(LatencyHistogram.decode(healthy.histograms['http'] ?? '').count).toBe(healthy.generator['httpRequests']);
  expect(broken.errors).toContainEqual({
    kind: 'http-non-2xx',
    count: broken.generator['httpRequests'],
    sample: '/nowhere was answered outside 200–299',
  });
  expect(requests).toBeGreaterThanOrEqual(
    (healthy.generator['httpRequests'] ?? 0) + (broken.generator['httpRequests'] ?? 0),
  );
});
