import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import { createApp } from './app.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });

// A service has its issuer's public key; this one signs for itself, so that it can be tried alone.
const key = randomBytes(32);
const [issuer, audience] = ['https://issuer.example', 'https://chat.example'];
const app = createApp({ key, issuer, audience });
const token = await new SignJWT()
  .setProtectedHeader({ alg: 'HS256' })
  .setSubject('ann')
  .setIssuer(issuer)
  .setAudience(audience)
  .setExpirationTime('5m')
  .sign(key);

// Before it says that it serves: who reads that may end it at once.
const stop = async (): Promise<void> => {
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());

const { port } = await app.listen(Number(values.port), '127.0.0.1');
console.log(`jwt on http://127.0.0.1:${port}/`);
console.log(`ws://127.0.0.1:${port}/whoami with Authorization: Bearer ${token}`);
