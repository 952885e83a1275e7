import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createDevices } from './app.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8443' },
    key: { type: 'string', default: 'server.key' },
    cert: { type: 'string', default: 'server.crt' },
    ca: { type: 'string', default: 'ca.crt' },
  },
});
const read = (path: string): string => readFileSync(path, 'utf8');
const { app, server } = createDevices({ key: read(values.key), cert: read(values.cert), ca: read(values.ca) });
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`client-certificates on https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

const stop = async (): Promise<void> => {
  server.close();
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
