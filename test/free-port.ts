import { createServer } from 'node:net';

/** Of those that the system gives to nobody who asks for any, so that it is as free when it is bound. */
const [portMin, portMax] = [10_000, 30_000];

/** A port of the loopback for a program that has to be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
