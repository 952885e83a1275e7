import { App } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test.each(['memory', 'tcp'] as const)(
  'a refusal whose body fails is the handler’s error, and its client is answered 500 over %s',
  async (transport) => {
    const failures: unknown[] = [];
    const app = new App({ logger: silent, onError: (error) => failures.push(error) });
    app.wsRoute('/', (ws) => {
      const failing = new ReadableStream({ pull: () => Promise.reject(new Error('planted')) });
      return ws.deny(new Response(failing, { status: 402 }));
    });
    await using t = testApp(app, { transport });

    const answer = await t.handshake('/');

    expect(answer).toMatchObject({ kind: 'denied', status: 500 });
    expect(failures).toMatchObject([{ message: 'planted' }]);
  },
);
