import { describe, expect, test } from 'vitest';
import { ChannelBoxError } from '../../src/errors.ts';
import type { Handler, Middleware, WebSocket } from '../../src/api.ts';
import { compose } from '../../src/middleware/compose.ts';

const ws = { id: 'one' } as WebSocket;
const params = { room: 'a' };

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}
function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
/** Everything that can run without waiting for anything has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the onion', () => {
  test('without middleware is the handler itself', () => {
    const handler: Handler = () => {};
    expect(compose([], handler)).toBe(handler);
  });

  test('runs the first added outermost, and hands socket and params to the handler', async () => {
    const log: unknown[] = [];
    const around =
      (name: string): Middleware =>
      async (socket, next) => {
        log.push(`${name} in`, socket === ws);
        await next();
        log.push(`${name} out`);
      };
    await compose([around('a'), around('b')], (socket, given) => log.push(socket === ws, given))(ws, params);
    expect(log).toEqual(['a in', true, 'b in', true, true, params, 'b out', 'a out']);
  });

  test('does not reach the handler past a middleware that returns without next()', async () => {
    const log: string[] = [];
    await compose([() => log.push('guard'), () => log.push('inner')], () => log.push('handler'))(ws, params);
    expect(log).toEqual(['guard']);
  });

  test('keeps its list when the caller changes its own, and serves many connections at once', async () => {
    const log: string[] = [];
    const list: Middleware[] = [(_socket, next) => next()];
    const run = compose(list, (socket) => log.push(socket.id));
    list.push(() => log.push('late'));
    await Promise.all([run(ws, params), run({ id: 'two' } as WebSocket, params)]);
    expect(log).toEqual(['one', 'two']);
  });
});

describe('next() twice', () => {
  const twice: Middleware = async (_ws, next) => {
    await next();
    await next();
  };
  test('rejects, and runs the handler once', async () => {
    let runs = 0;
    const done = compose([twice], () => (runs += 1))(ws, params);
    await expect(done).rejects.toBeInstanceOf(ChannelBoxError);
    await expect(done).rejects.toMatchObject({ code: 'CHANNELBOX_NEXT_TWICE', message: expect.stringMatching(/once/) });
    expect(runs).toBe(1);
  });

  test('is an error also where nobody awaits the second', async () => {
    const run = compose([(_ws, next) => (void next(), void next())], () => {});
    await expect(run(ws, params)).rejects.toMatchObject({ code: 'CHANNELBOX_NEXT_TWICE' });
  });

  test('in two connections is not twice', async () => {
    const run = compose([(_ws, next) => next()], () => {});
    await run(ws, params);
    await expect(run(ws, params)).resolves.toBeUndefined();
  });
});

describe('an error', () => {
  const boom = new Error('boom');
  test.each<[string, Handler]>([
    [
      'thrown',
      () => {
        throw boom;
      },
    ],
    ['rejected', () => Promise.reject(boom)],
  ])('%s by the handler passes every middleware and may be caught by one', async (_how, handler) => {
    const pass: Middleware = (_ws, next) => next();
    const seen: unknown[] = [];
    await expect(compose([pass, pass], handler)(ws, params)).rejects.toBe(boom);
    const run = compose([(_ws, next) => next().catch((error: unknown) => seen.push(error)), pass], handler);
    await expect(run(ws, params)).resolves.toBeUndefined();
    expect(seen).toEqual([boom]);
  });

  test('thrown by a middleware before its first await rejects', async () => {
    const run = compose(
      [
        () => {
          throw boom;
        },
      ],
      () => {},
    );
    await expect(run(ws, params)).rejects.toBe(boom);
  });

  test('of a handler reaches the app where a middleware did not await next()', async () => {
    const run = compose(
      [
        async (_ws, next) => {
          void next();
          await settled();
        },
      ],
      () => Promise.reject(boom),
    );
    await expect(run(ws, params)).rejects.toBe(boom);
  });

  test('of a middleware does not wait for a handler that still runs', async () => {
    const { opened, open } = gate();
    const run = compose(
      [
        (_ws, next) => {
          void next();
          throw boom;
        },
      ],
      () => opened,
    );
    await expect(run(ws, params)).rejects.toBe(boom);
    open();
  });
});

describe('a middleware that does not await next()', () => {
  test('does not end the connection before its handler', async () => {
    const { opened, open } = gate();
    let isDone = false;
    const done = Promise.resolve(compose([(_ws, next) => void next()], () => opened)(ws, params)).then(
      () => (isDone = true),
    );
    await settled();
    expect(isDone).toBe(false);
    open();
    await done;
    expect(isDone).toBe(true);
  });

  test('cannot call it after it returned', async () => {
    let late: () => Promise<void> = () => Promise.resolve();
    let runs = 0;
    await compose([(_ws, next) => void (late = next)], () => (runs += 1))(ws, params);
    await expect(late()).rejects.toMatchObject({ code: 'CHANNELBOX_NEXT_TOO_LATE' });
    expect(runs).toBe(0);
  });
});

describe('enter', () => {
  const traced = (list: readonly Middleware[], handler: Handler): { run: Handler; stages: unknown[] } => {
    const stages: unknown[] = [];
    return { stages, run: compose(list, handler, (socket, stage) => stages.push([socket.id, stage])) };
  };
  const pass: Middleware = async (_ws, next) => {
    await next();
  };

  test('tells in and out of the handler', async () => {
    const { run, stages } = traced([pass, pass], () => {});
    await run(ws, params);
    expect(stages).toEqual([
      ['one', 'middleware'],
      ['one', 'handler'],
      ['one', 'middleware'],
    ]);
  });

  test('stays in the handler that threw', async () => {
    const { run, stages } = traced([pass], () => Promise.reject(new Error('boom')));
    await expect(run(ws, params)).rejects.toThrow('boom');
    expect(stages.at(-1)).toEqual(['one', 'handler']);
  });

  test('costs nothing where there is no middleware', () => {
    const handler: Handler = () => {};
    expect(traced([], handler).run).toBe(handler);
  });
});
