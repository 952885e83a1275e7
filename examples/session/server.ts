import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createSite } from './app.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });

// Of the environment, where sessions are to outlive a restart.
const secret = process.env['SESSION_SECRET'] ?? randomBytes(32).toString('hex');
const { app, server } = createSite({ secret });
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`session on http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

const stop = async (): Promise<void> => {
  server.close();
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
