import { ChannelBoxError } from '../errors.ts';
import type { Handler, Middleware, Params, Serve, WebSocket } from '../api.ts';
import { isThenable } from '../promise.ts';
import { isResponse } from '../handshake/accept.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';

/** Which part of a chain runs; `handler` where there is no chain at all. */
export type ChainPart = 'middleware' | 'handler';

/** Told when a connection passes from one part of its chain to the other; costs no promise. Must not throw. */
export type Enter = (ws: WebSocket, part: ChainPart) => void;

/**
 * Wraps a handler in its middleware; the first is the outermost. Made once a route, run once a connection.
 *
 * Without middleware it is the handler itself. With it, the promise resolves when every part that began has ended, and
 * rejects with the first error that nobody further out caught: a middleware that forgets to await `next()` neither ends
 * the connection early nor loses the handler's error.
 *
 * `next()` resolves when all that is further in has ended, and rejects with what it threw.
 * It rejects with a {@link ChannelBoxError} `CHANNELBOX_NEXT_TWICE` when called again, and with
 * `CHANNELBOX_NEXT_TOO_LATE` when its middleware has already returned; nothing further in runs then.
 */
export function compose(middleware: readonly Middleware[], handler: Handler, enter?: Enter): Handler {
  if (middleware.length === 0) return handler;
  const chain = [...middleware];
  return (ws, params) => {
    enter?.(ws, 'middleware');
    return run({ chain, handler, enter, ws, params }, 0);
  };
}

/** What makes promises as what makes none: tells when the handler has ended, at once where it has already. */
export function served(handler: Handler): Serve {
  return (ws, params, whenEnded) => {
    const running = handler(ws, params);
    if (!isThenable(running)) return whenEnded(ws, answerOf(running));
    // Whatever kind of promise it is, or pretends to be.
    void Promise.resolve(running).then(
      (value: unknown) => whenEnded(ws, answerOf(value)),
      (error: unknown) => whenEnded(ws, { error }),
    );
  };
}

/** A `Response` that is returned ends the handshake as one that is thrown does. */
function answerOf(value: unknown): { readonly error: unknown } | undefined {
  return isResponse(value) ? { error: value } : undefined;
}

/** The answer is out before anything further out in the chain goes on; where the handshake is answered already it is nothing. */
async function answer(ws: WebSocket, value: unknown): Promise<void> {
  if (isResponse(value) && (ws as ServerWebSocket).phase === 'pending') await ws.deny(value);
}

interface StepState {
  readonly chain: readonly Middleware[];
  readonly handler: Handler;
  readonly enter: Enter | undefined;
  readonly ws: WebSocket;
  readonly params: Params;
}

async function run(state: StepState, depth: number): Promise<void> {
  const current = state.chain[depth];
  if (current === undefined) return runHandler(state);
  const inner: Inner[] = [];
  let isOver = false;
  const next = (): Promise<void> => {
    const downstream = isOver
      ? Inner.refused('CHANNELBOX_NEXT_TOO_LATE', 'next() was called after its middleware returned; call it before')
      : inner.length > 0
        ? Inner.refused('CHANNELBOX_NEXT_TWICE', 'next() was called twice in one middleware; call it once at most')
        : Inner.of(run(state, depth + 1));
    inner.push(downstream);
    return downstream;
  };
  try {
    const value = await current(state.ws, next);
    if (value !== undefined) await answer(state.ws, value);
  } finally {
    isOver = true;
  }
  for (const downstream of inner) await downstream.unlessSeen();
}

async function runHandler({ handler, enter, ws, params }: StepState): Promise<void> {
  enter?.(ws, 'handler');
  const value = await handler(ws, params);
  if (value !== undefined) await answer(ws, value);
  enter?.(ws, 'middleware');
}

/** A promise that knows whether anyone looked: what nobody awaited still has to reach the app. */
class Inner extends Promise<void> {
  /** What `then` derives is an ordinary promise. */
  static override readonly [Symbol.species]: PromiseConstructor = Promise;
  #isSeen = false;

  static of(running: Promise<void>): Inner {
    const next = new Inner((resolve, reject) => {
      running.then(resolve, reject);
    });
    // Until the middleware has returned nobody can tell whether it will be looked at.
    void Promise.prototype.then.call(next, undefined, () => {});
    return next;
  }

  static refused(code: `CHANNELBOX_${string}`, message: string): Inner {
    return Inner.of(Promise.reject(new ChannelBoxError(code, message)));
  }

  // oxlint-disable-next-line no-thenable -- it is a promise
  override then<A = void, B = never>(
    onFulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isSeen = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Ends when this has ended; rejects with its reason where nobody else has seen it. */
  unlessSeen(): Promise<void> {
    const isSeen = this.#isSeen;
    return new Promise((resolve, reject) => {
      super.then(resolve, isSeen ? () => resolve() : reject);
    });
  }
}
