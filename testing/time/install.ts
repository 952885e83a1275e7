import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify } from 'node:util';
import { GlobalTimer, type GlobalClock } from './global-timer.ts';

/** A clock that was put behind the globals, until it is disposed. */
interface Installed {
  readonly clock: GlobalClock;
  stands: boolean;
}

type Callback = (...args: unknown[]) => void;

const names = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'Date'] as const;

/** The newest last. */
const installs: Installed[] = [];
/** What the code that installed a clock goes on with, so that tests beside each other have each its own. */
const installedHere = new AsyncLocalStorage<Installed>();
let takeBack: (() => void) | undefined;

/**
 * Puts a clock behind `setTimeout`, `setInterval`, their `clear…` and `Date`. `setImmediate`, microtasks, `performance`
 * and `node:timers` stay real.
 *
 * Which clock a call means: that of the app whose handler makes it, where it is installed; else the one that the same
 * test has installed; else the newest. Each ends by itself, in any order; with the last one the globals are what they
 * were before the first, unless somebody has replaced them meanwhile: then they lead to the real ones.
 * @param ownerClock the clock of the app whose handler runs; undefined outside of one
 */
export function installClock(clock: GlobalClock, ownerClock: () => unknown): Disposable {
  const installed: Installed = { clock, stands: true };
  installs.push(installed);
  installedHere.enterWith(installed);
  takeBack ??= takeOver(ownerClock);
  return {
    [Symbol.dispose]: () => {
      if (!installed.stands) return;
      installed.stands = false;
      installs.splice(installs.indexOf(installed), 1);
      if (installs.length > 0) return;
      takeBack?.();
      takeBack = undefined;
    },
  };
}

function currentClock(ownerClock: () => unknown): GlobalClock | undefined {
  if (installs.length === 0) return undefined;
  const owned = ownerClock();
  // A handler's time is its app's: where that is real, so are its timers.
  if (owned !== undefined) return installs.find(({ clock }) => clock === owned)?.clock;
  const here = installedHere.getStore();
  return here?.stands === true ? here.clock : installs.at(-1)?.clock;
}

function takeOver(ownerClock: () => unknown): () => void {
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]])) as Pick<
    typeof globalThis,
    (typeof names)[number]
  >;
  const current = (): GlobalClock | undefined => currentClock(ownerClock);
  const setter =
    (own: (...given: never[]) => unknown, repeats: boolean) =>
    (callback: Callback, ms = 0, ...args: unknown[]): unknown => {
      const clock = current();
      if (clock === undefined) return (own as (...given: unknown[]) => unknown)(callback, ms, ...args);
      checkCallback(callback, repeats ? 'setInterval' : 'setTimeout');
      return new GlobalTimer(clock, { callback, args, ms, repeats });
    };
  const clearer =
    (own: (handle?: never) => void) =>
    (handle?: unknown): void => {
      const timer = GlobalTimer.of(handle);
      if (timer === undefined) own(handle as never);
      else timer.close();
    };
  const setTimeout = setter(real.setTimeout, false);
  Object.defineProperty(setTimeout, promisify.custom, { enumerable: true, value: pausing(setTimeout) });
  const ours: Record<(typeof names)[number], unknown> = {
    setTimeout,
    setInterval: setter(real.setInterval, true),
    clearTimeout: clearer(real.clearTimeout),
    clearInterval: clearer(real.clearInterval),
    Date: dateOf(real.Date, current),
  };
  for (const name of names) {
    if (name !== 'Date') Object.defineProperty(ours[name], 'name', { value: name });
  }
  Object.assign(globalThis, ours);
  return () => {
    for (const name of names) if (globalThis[name] === ours[name]) Object.assign(globalThis, { [name]: real[name] });
  };
}

/** `promisify(setTimeout)`, which resolves with its second argument. */
function pausing(setTimeout: (callback: Callback, ms?: number) => unknown): unknown {
  return (ms?: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        clearTimeout(timer as ReturnType<typeof globalThis.setTimeout>);
        reject(new DOMException('The operation was aborted', { name: 'AbortError', cause: signal?.reason }));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      }, ms);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
}

/** Shares its prototype with the real one, so that the dates of both are instances of both. */
function dateOf(RealDate: DateConstructor, current: () => GlobalClock | undefined): DateConstructor {
  const nowMs = (): number => current()?.now() ?? RealDate.now();
  function Date(...parts: readonly number[]): unknown {
    if (new.target === undefined) return new RealDate(nowMs()).toString();
    const target = (new.target as unknown) === ClockDate ? RealDate : (new.target as unknown as DateConstructor);
    return Reflect.construct(RealDate, parts.length === 0 ? [nowMs()] : parts, target);
  }
  const ClockDate = Date as unknown as DateConstructor;
  Object.defineProperties(ClockDate, {
    prototype: { value: RealDate.prototype, writable: false },
    length: { value: 7 },
    now: { value: nowMs, configurable: true, writable: true },
    parse: { value: RealDate.parse, configurable: true, writable: true },
    UTC: { value: RealDate.UTC, configurable: true, writable: true },
  });
  return ClockDate;
}

function checkCallback(callback: unknown, name: string): void {
  if (typeof callback === 'function') return;
  const error: NodeJS.ErrnoException = new TypeError(`${name}(callback, ms) takes a function, ${typeof callback} came`);
  error.code = 'ERR_INVALID_ARG_TYPE';
  throw error;
}
