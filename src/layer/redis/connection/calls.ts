import { LayerError, type LayerErrorOptions } from '../../../errors.ts';
import type { Clock } from '../../../time/clock.ts';
import type { LayerContext } from '../../layer.ts';
import { BrokerRefusal, type BrokerConnection } from '../broker/broker.ts';
import type { HealthCounters, HealthRecord } from './health.ts';
import type { BrokerLink } from './broker-link.ts';
import type { LayerSettings } from './options.ts';

/** What all parts of one node's layer share. */
export interface NodeParts {
  readonly node: string;
  readonly settings: LayerSettings;
  readonly context: LayerContext;
  readonly counters: HealthCounters;
  readonly health: HealthRecord;
  readonly commands: BrokerLink;
  readonly pushes: BrokerLink;
  readonly calls: Calls;
  /** 12 letters of base64url that were never used before. */
  fresh(): string;
}

interface LinkWaiter {
  readonly link: BrokerLink;
  resolve(connection: BrokerConnection): void;
  reject(error: LayerError): void;
}

/** Calls that find a connection, wait for one, or fail in time with what the layer's errors say. */
export class Calls {
  readonly #parts: () => NodeParts;
  readonly #waiting = new Set<LinkWaiter>();
  #isClosed = false;

  constructor(parts: () => NodeParts) {
    this.#parts = parts;
  }

  /** Waits for a connection at most `holdMs`; what it then does is not sent again. */
  async connection(link: BrokerLink, waitMs: number = this.#parts().settings.holdMs): Promise<BrokerConnection> {
    if (this.#isClosed) throw this.closed();
    if (link.connection !== undefined) return link.connection;
    if (waitMs <= 0) throw this.down();
    const { clock } = this.#parts().context;
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => waiter.reject(this.down()), waitMs, 'redis hold');
      const end = (): void => {
        clock.clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: LinkWaiter = {
        link,
        resolve: (connection) => {
          end();
          resolve(connection);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
    });
  }

  /** A link is up: who waited for it goes on, in the order of the calls. */
  wake(link: BrokerLink): void {
    for (const waiter of [...this.#waiting]) {
      if (waiter.link === link && link.connection !== undefined) waiter.resolve(link.connection);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of [...this.#waiting]) waiter.reject(this.closed());
  }

  /** What may be asked twice: where the connection goes, it is asked for again until the deadline. */
  ask<T>(run: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const { commands, context, settings } = this.#parts();
    const dueMs = context.clock.monotonic() + settings.deadlineMs;
    const asking = async (): Promise<T> => {
      for (;;) {
        const leftMs = dueMs - context.clock.monotonic();
        const connection = await this.connection(commands, Math.min(settings.holdMs, leftMs));
        try {
          return await run(connection);
        } catch (error) {
          if (error instanceof BrokerRefusal) throw this.refused(error);
          if (!isLost(error) || this.#isClosed) throw error;
          // Or this would go round as fast as it can until the link has heard of it.
          if (commands.connection === connection) commands.replace(error as Error);
        }
      }
    };
    return this.within(asking(), 'Redis did not answer');
  }

  /** @throws {LayerError} `CHANNELBOX_LAYER_DEADLINE` */
  within<T>(promise: Promise<T>, what: string): Promise<T> {
    const { context, settings } = this.#parts();
    return withDeadline(context.clock, settings.deadlineMs, promise, () => this.late(what));
  }

  late(what: string, options: LayerErrorOptions = {}): LayerError {
    const { counters, settings } = this.#parts();
    counters.deadlines += 1;
    return new LayerError(
      'CHANNELBOX_LAYER_DEADLINE',
      `${what} within ${settings.deadlineMs} ms${options.delivered === 'unknown' ? '; whether it was done is unknown' : ''}`,
      options,
    );
  }

  down(): LayerError {
    const { health, settings } = this.#parts();
    const reason = health.current.reason ?? 'no connection';
    return new LayerError(
      'CHANNELBOX_LAYER_DOWN',
      `not sent: no connection to Redis (${reason}) after ${settings.holdMs} ms of holdMs; see health()`,
      { delivered: 'not-sent' },
    );
  }

  refused(cause: BrokerRefusal): LayerError {
    const { health, commands, pushes } = this.#parts();
    const reply = health.hide(cause.message);
    if (cause.isOfServer) {
      commands.replace(cause);
      pushes.replace(cause);
    }
    return new LayerError('CHANNELBOX_LAYER_REFUSED', `not sent: Redis refused: ${reply}`, {
      cause,
      delivered: 'not-sent',
    });
  }

  closed(): LayerError {
    return new LayerError('CHANNELBOX_LAYER_CLOSED', 'not sent: the layer is closed', { delivered: 'not-sent' });
  }
}

/** Where names and chance come from; a simulation hands in its own. */
export interface LayerChance {
  /** 12 letters of base64url that were never given before. */
  fresh(): string;
  /** From 0 up to 1. */
  random(): number;
}

export function isLost(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'BrokerLost';
}

/** Rejects with what `late` makes where the promise has not settled in time. */
export function withDeadline<T>(clock: Clock, ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => reject(late()), ms, 'redis deadline');
    const end = (): void => clock.clearTimeout(timer);
    promise.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: Error) => {
        end();
        reject(error);
      },
    );
  });
}
