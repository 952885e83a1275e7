import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import type { Occurrence } from '../world/queue.ts';
import type { Escaped, Escapes } from './escape.ts';
import type { Patches } from './patches.ts';

type TimerCallback = (...args: unknown[]) => void;

/** What stands for Node's Timeout and Immediate: it fires in virtual time. */
class VirtualTimer {
  readonly #escaped: Escaped;
  readonly #fire: () => void;
  readonly #everyMs: number | undefined;
  readonly #waitMs: number;
  #happening: Occurrence | undefined = undefined;

  constructor(escaped: Escaped, waitMs: number, fire: () => void, isRepeated = false) {
    this.#escaped = escaped;
    this.#fire = fire;
    this.#waitMs = Math.max(0, Math.ceil(Number.isFinite(waitMs) ? waitMs : 0));
    this.#everyMs = isRepeated ? Math.max(1, this.#waitMs) : undefined;
    this.#set(this.#everyMs ?? this.#waitMs);
  }

  clear(): void {
    if (this.#happening !== undefined) this.#happening.isCancelled = true;
    this.#happening = undefined;
  }

  close(): this {
    this.clear();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.clear();
    this.#set(this.#everyMs ?? this.#waitMs);
    return this;
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #set(waitMs: number): void {
    const { world, node } = this.#escaped;
    const owner = world.context?.connection;
    const run = (): void => {
      if (this.#everyMs !== undefined) this.#set(this.#everyMs);
      this.#fire();
    };
    this.#happening = world.reach(waitMs, () => (node === undefined ? run() : node.enter(run, owner)));
  }
}

/** These doors are everything that calls back later. */
export function guardTimers(patches: Patches, escapes: Escapes): void {
  for (const owner of [globalThis, timers]) {
    for (const name of ['setTimeout', 'setInterval'] as const) {
      patches.replace(owner, name, (original: typeof setTimeout) => {
        const set = function (callback: TimerCallback, ms = 0, ...args: unknown[]): unknown {
          const escaped = escapes(name, set);
          if (escaped === undefined) return original(callback as () => void, ms, ...(args as []));
          return new VirtualTimer(escaped, ms, () => callback(...args), name === 'setInterval');
        };
        return set;
      });
    }
    patches.replace(owner, 'setImmediate', (original: typeof setImmediate) => {
      const set = function (callback: TimerCallback, ...args: unknown[]): unknown {
        const escaped = escapes('setImmediate', set);
        if (escaped === undefined) return original(callback as () => void, ...(args as []));
        return new VirtualTimer(escaped, 0, () => callback(...args));
      };
      return set;
    });
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate'] as const) {
      patches.replace(owner, name, (original: (timer: unknown) => void) => (timer: unknown): void => {
        if (timer instanceof VirtualTimer) timer.clear();
        else original(timer);
      });
    }
  }
  guardPromised(patches, escapes);
  guardSignals(patches, escapes);
}

function guardPromised(patches: Patches, escapes: Escapes): void {
  for (const name of ['setTimeout', 'setImmediate'] as const) {
    patches.replace(timersPromises, name, (original: (...args: unknown[]) => Promise<unknown>) => {
      const set = function (...args: unknown[]): Promise<unknown> {
        const escaped = escapes(`timers/promises.${name}`, set);
        if (escaped === undefined) return original(...args);
        const [ms, value] = name === 'setTimeout' ? [args[0], args[1]] : [0, args[0]];
        return new Promise((resolve) => {
          void new VirtualTimer(escaped, Number(ms ?? 0), () => resolve(value));
        });
      };
      return set;
    });
  }
  patches.replace(timersPromises, 'setInterval', (original: (...args: unknown[]) => AsyncIterable<unknown>) => {
    const set = function (...args: unknown[]): AsyncIterable<unknown> {
      const escaped = escapes('timers/promises.setInterval', set);
      return escaped === undefined ? original(...args) : ticksOf(escaped, Number(args[0] ?? 1), args[1]);
    };
    return set;
  });
}

async function* ticksOf(escaped: Escaped, everyMs: number, value: unknown): AsyncGenerator<unknown> {
  for (;;) {
    await new Promise<void>((resolve) => {
      void new VirtualTimer(escaped, everyMs, resolve);
    });
    yield value;
  }
}

function guardSignals(patches: Patches, escapes: Escapes): void {
  patches.replace(AbortSignal, 'timeout', (original: typeof AbortSignal.timeout) => {
    const timeout = function (ms: number): AbortSignal {
      const escaped = escapes('AbortSignal.timeout', timeout);
      if (escaped === undefined) return original.call(AbortSignal, ms);
      const controller = new AbortController();
      const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
      void new VirtualTimer(escaped, ms, () => controller.abort(reason));
      return controller.signal;
    };
    return timeout;
  });
}
