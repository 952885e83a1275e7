import { LayerError } from '../../../src/index.ts';
import type { World } from '../world/world.ts';
import type { BrokerPush } from './broker.ts';
import { GroupRoute, type Command } from './route.ts';

/** Without an answer for so long a call rejects. */
const deadlineMs = 2_000;

/** The node that a layer serves. */
export interface LayerHost {
  readonly world: World;
  readonly name: string;
  /** Runs what calls the box or settles its calls, later where the node is paused, never where it has crashed. */
  enter(run: () => void, owner: unknown): void;
}

export type Settle<T> = (answer: { readonly value: T } | { readonly error: unknown }) => void;

/** Calls are all that is on its way between one node and the broker. */
export class LayerCalls {
  readonly host: LayerHost;
  readonly routes: Map<string, GroupRoute> = new Map();
  isCut: boolean = false;
  hasClosed: boolean = false;
  readonly #take: (push: BrokerPush) => void;
  #slowMs = 0;

  constructor(host: LayerHost, take: (push: BrokerPush) => void) {
    this.host = host;
    this.#take = take;
  }

  /**
   * A call travels to the broker in the order of its group, and its answer comes back by itself: in order with nothing.
   * @param whenLate what becomes of it without an answer; `resolves`: it is still carried out when the way is free again
   */
  call<T>(
    group: string,
    what: string,
    run: (settle: Settle<T>) => void,
    whenLate: 'rejects' | 'resolves' = 'rejects',
  ): Promise<T> {
    const { world } = this.host;
    const owner = world.context?.connection;
    if (this.hasClosed) return Promise.reject(lateError(what, false));
    return new Promise<T>((resolve, reject) => {
      let hasSettled = false;
      world.onItsWay += 1;
      const settle: Settle<T> = (answer) => {
        const waitMs = world.tape.draw('answer', `${this.host.name} ${what}`, world.cause) + this.#slowMs;
        world.reach(waitMs, () => {
          this.host.enter(() => {
            if (hasSettled) return;
            finish();
            if ('error' in answer) reject(answer.error as Error);
            else resolve(answer.value);
          }, owner);
        });
      };
      const command: Command = { isCancelled: false, hasRun: false, run: () => attempt(run, settle) };
      this.route(group).command(command);
      const late = (): void => {
        command.isCancelled = whenLate === 'rejects' && !command.hasRun;
        world.reach(0, () => {
          this.host.enter(() => {
            if (hasSettled) return;
            finish();
            if (whenLate === 'rejects') reject(lateError(what, command.hasRun));
            else resolve(undefined as T);
          }, owner);
        });
      };
      const deadline = world.later(deadlineMs, late);
      const finish = (): void => {
        hasSettled = true;
        world.onItsWay -= 1;
        deadline.isCancelled = true;
      };
    });
  }

  /** Sends something to the broker that nobody waits for here. */
  back(run: () => void): void {
    if (!this.hasClosed) this.route('').command({ run, isCancelled: false, hasRun: false });
  }

  route(group: string): GroupRoute {
    let route = this.routes.get(group);
    if (route === undefined) {
      route = new GroupRoute({
        world: this.host.world,
        node: this.host.name,
        group,
        take: this.#take,
        enter: (run) => this.host.enter(run, undefined),
      });
      route.slowMs = this.#slowMs;
      if (this.isCut) route.block();
      this.routes.set(group, route);
    }
    return route;
  }

  // ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────────

  cut(): void {
    this.isCut = true;
    for (const route of this.routes.values()) route.block();
  }

  mend(): void {
    this.isCut = false;
    for (const route of this.routes.values()) route.unblock();
  }

  slow(ms: number): void {
    this.#slowMs = ms;
    for (const route of this.routes.values()) route.slowMs = ms;
  }

  end(): void {
    this.hasClosed = true;
    for (const route of this.routes.values()) route.end();
  }
}

function attempt<T>(run: (settle: Settle<T>) => void, settle: Settle<T>): void {
  try {
    run(settle);
  } catch (error) {
    settle({ error });
  }
}

function lateError(what: string, hasRun: boolean): LayerError {
  const became = hasRun ? 'what became of it is unknown' : 'it was not sent';
  const message = `${what}: the simulated layer did not answer within ${deadlineMs} ms; ${became}`;
  return new LayerError('CHANNELBOX_LAYER_DEADLINE', message, { delivered: hasRun ? 'unknown' : 'not-sent' });
}
