import { messageOf } from '../errors.ts';
import type { Tally } from '../protocol/counters.ts';
import type { ErrorContext, Probe, ProbedConnection } from '../probe.ts';
import { follow } from '../promise.ts';
import type { AppLog } from './app-log.ts';

/** Who learns of what went wrong. */
export interface FaultListeners {
  readonly log: AppLog;
  readonly counters: Tally;
  readonly onError: ((error: unknown, context: ErrorContext) => void) | undefined;
  probe(): Probe | undefined;
}

/**
 * This tells what goes wrong in an app: it is counted, logged, and given to `onError`, which may itself do what it
 * likes.
 */
export class FaultLog {
  readonly #listeners: FaultListeners;

  constructor(listeners: FaultListeners) {
    this.#listeners = listeners;
  }

  /** An error of the app's own code. */
  report(socket: ProbedConnection, error: unknown, hook: string, what = 'a handler failed'): void {
    const { counters, probe } = this.#listeners;
    counters.errors += 1;
    const context: ErrorContext = { connection: socket.id, route: socket.route, hook };
    probe()?.failed?.(error, context, socket.upgrade);
    this.#tell(error, context, what);
  }

  /** Of a function of the app that runs for no connection. */
  reportOutside(error: unknown, hook: string, what = `${hook} failed`): void {
    this.#listeners.counters.errors += 1;
    this.#tell(error, { connection: undefined, route: undefined, hook }, what);
  }

  /** No error of the app: seen at level debug. */
  note({ id, route, hook }: ProbedConnection, what: string, { message }: Error): void {
    this.#listeners.log.write('debug', what, { connection: id, route, hook, error: message });
  }

  /** What a stranger can cause at will is no error of the app either. */
  refusedInput({ id, route }: ProbedConnection, error: unknown, hook: string): void {
    const fields = { connection: id, route, hook, error: messageOf(error) };
    this.#listeners.log.write('info', 'a client sent what is refused', fields);
  }

  #tell(error: unknown, context: ErrorContext, what: string): void {
    const { log, onError } = this.#listeners;
    log.write('error', what, { ...context, error });
    const onFailure = (failure: unknown): void => log.write('error', 'onError failed', { ...context, error: failure });
    try {
      // One that is async may fail later.
      follow(onError?.(error, context), onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  }
}
