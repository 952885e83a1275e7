import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { App, ChannelBoxError, type Logger } from 'channelbox';
import { fastify } from 'fastify';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { WebSocket as Client } from 'ws';

/** What a logger has written once a handler has failed. */
async function writtenBy(logger: Logger, stream: PassThrough): Promise<string> {
  const app = new App({ logger });
  app.wsRoute('/x/{name}', () => {
    throw new RangeError('the cause');
  });
  const { port } = await app.listen(0, '127.0.0.1');
  await new Promise((resolve) => new Client(`ws://127.0.0.1:${port}/x/y`).on('error', resolve));
  await app.close();
  return String(stream.read());
}

describe('a handler’s error is written with its stack, and with where it was', () => {
  test('by console', async () => {
    const stream = new PassThrough();
    const written = await writtenBy(new Console(stream), stream);
    expect(written).toMatch(
      /a handler failed[^]*route: '\/x\/\{name\}'[^]*RangeError: the cause\n\s+at .*logger\.test/,
    );
  });

  test('by pino', async () => {
    const stream = new PassThrough();
    expectEntry(await writtenBy(pino(stream), stream));
  });

  test('by pino at level debug, and by a child of it', async () => {
    const stream = new PassThrough();
    expectEntry(await writtenBy(pino({ level: 'debug' }, stream).child({ module: 'sockets' }), stream));
  });

  test('by fastify.log', async () => {
    const stream = new PassThrough();
    const server = fastify({ logger: { stream } });
    expectEntry(await writtenBy(server.log, stream));
    await server.close();
  });

  test('by a logger of winston’s shape, which writes out no error', async () => {
    const entries: unknown[] = [];
    const write = (message: string, meta?: object) =>
      void entries.push(JSON.parse(JSON.stringify({ message, ...meta })));
    const winston = { error: write, warn: write, info: write, debug: write, child: () => winston, configure: () => {} };
    await writtenBy(winston, new PassThrough());
    expect(entries).toContainEqual(
      expect.objectContaining({
        message: 'a handler failed',
        error: 'the cause',
        stack: expect.stringContaining('at '),
      }),
    );
  });

  function expectEntry(written: string): void {
    const entry = written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find(({ msg }) => msg === 'a handler failed');
    expect(entry).toMatchObject({
      route: '/x/{name}',
      hook: 'handler',
      connection: expect.any(String),
      err: { type: 'RangeError', message: 'the cause', stack: expect.stringMatching(/RangeError: the cause\n\s+at /) },
    });
  }
});

describe('a logger whose shape is not known is refused at construction', () => {
  test.each<[string, unknown, string]>([
    ['nothing in it', {}, 'debug, info, warn, error'],
    ['a function, as debug is', Object.assign(() => {}, { enabled: true }), 'debug, info, warn, error'],
    ['errors alone', { error: () => {} }, 'debug, info, warn'],
    ['a level that is no function', { debug: () => {}, info: () => {}, warn: 'yes', error: () => {} }, 'warn'],
    ['a getter that throws', Object.defineProperty({}, 'debug', { get: () => JSON.parse('{') }), 'debug'],
  ])('%s', (_what, logger, missing) => {
    const make = (): App => new App({ logger: logger as Logger });
    expect(make).toThrow(ChannelBoxError);
    expect(make).toThrow(missing);
    expect(make).toThrow(expect.objectContaining({ code: 'CHANNELBOX_LOGGER' }));
  });
});
