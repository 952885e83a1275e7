import { App, consumer, type AppOptions, type Handler, type WebSocket } from 'channelbox';
import type { TestAppOptions } from 'channelbox/testing';
import { vi } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const transports = ['memory', 'tcp'] as const;

export function over(transport: 'memory' | 'tcp', options: TestAppOptions = {}): TestAppOptions {
  return { transport, ...options };
}

/** One handler at `/x`. */
export function appOf(handler: Handler, options: AppOptions = {}): App {
  return new App({ logger: quiet, ...options }).wsRoute('/x', handler);
}

/** Accepted, then each text frame in turn. */
export function echoOf(answer: (ws: WebSocket, text: string) => unknown, options: AppOptions = {}): App {
  return appOf(async (ws) => {
    await ws.accept();
    for await (const text of ws.iterText()) await answer(ws, text);
  }, options);
}

/** Rooms in which everybody hears what is said. */
export function rooms(options: AppOptions & { expires?: number } = {}): App {
  const { expires, ...rest } = options;
  return new App({ logger: quiet, ...rest }).addWsRoute(
    consumer('/room/{name}', {
      encoding: 'json',
      ...(expires === undefined ? {} : { expires }),
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
      async onReceive(ws, data) {
        await this.broadcast({ said: data }, ws.params.name);
      },
    }),
  );
}

/** What a call was refused with. */
export async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was not refused');
}

/** What a test printed in place of throwing. */
export async function printedBy(body: () => Promise<void>): Promise<string> {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {});
  try {
    await body();
    return print.mock.calls.flat().join('\n');
  } finally {
    print.mockRestore();
  }
}
