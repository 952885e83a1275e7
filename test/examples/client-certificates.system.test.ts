import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { createDevices, type CertificateOptions } from '../../examples/client-certificates/app.ts';
import { ManualClock } from '../manual-clock.ts';
import { requirement } from '../requirement.ts';

const openssl = requirement('openssl');

describe.skipIf(openssl === undefined)('examples/client-certificates', () => {
  let folder: string;
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const run = (...args: readonly string[]): void => {
    execFileSync(openssl ?? '', args, { cwd: folder, stdio: 'ignore' });
  };
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;
  const authority = (name: string): void =>
    run('req', '-x509', ...ec, '-days', '30', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  const signed = (name: string, by: string): void => {
    run(
      'req',
      ...ec,
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=DNS:${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${by}.crt`,
      '-CAkey',
      `${by}.key`,
      '-CAcreateserial',
      '-days',
      '30',
      '-copy_extensions',
      'copy',
      '-out',
      `${name}.crt`,
    );
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'certificates-'));
    authority('ours');
    authority('theirs');
    signed('localhost', 'ours');
    signed('device-7', 'ours');
    signed('stranger', 'theirs');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function serve(
    options: Partial<CertificateOptions> = {},
  ): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
    const { app, server } = createDevices({
      key: read('localhost.key'),
      cert: read('localhost.crt'),
      ca: read('ours.crt'),
      ...options,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      url: `wss://localhost:${(server.address() as AddressInfo).port}/devices`,
      async [Symbol.asyncDispose]() {
        server.close();
        await app.close();
        server.closeAllConnections();
      },
    };
  }
  const as = (name: string): ClientOptions => ({
    ca: read('ours.crt'),
    key: read(`${name}.key`),
    cert: read(`${name}.crt`),
  });

  test('knows a device by the certificate of its authority', async () => {
    await using devices = await serve();
    const socket = new WebSocket(devices.url, as('device-7'));
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(data.toString())).toEqual({ device: 'device-7' });
    socket.terminate();
  });

  test.each([
    ['of another authority', (): ClientOptions => as('stranger')],
    ['who brings none', (): ClientOptions => ({ ca: read('ours.crt') })],
  ])('refuses a device %s', async (_who, options) => {
    await using devices = await serve();
    const socket = new WebSocket(devices.url, options());
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    expect((response as { statusCode: number }).statusCode).toBe(401);
    socket.terminate();
  });

  test('closes a socket with 4401 when its certificate runs out, and not before', async () => {
    const { validTo } = new X509Certificate(read('device-7.crt'));
    const clock = new ManualClock();
    clock.jump(Date.parse(validTo) - 10_000 - clock.now());
    await using devices = await serve({ clock });
    const socket = new WebSocket(devices.url, as('device-7'));
    await once(socket, 'message');
    const closed = once(socket, 'close');
    clock.advance(9_999);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    clock.advance(1);
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4401, 'the certificate has run out']);
  });
});
