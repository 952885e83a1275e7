import type { Box } from './channel/box.ts';
import { ConsumerRun, type WhenEnded } from './consumer/consumer-run.ts';
import { Drain, type DrainOptions, type DrainReport } from './drain.ts';
import { FrameError, WebSocketDisconnect } from './errors.ts';
import type { AppView, Limits } from './api.ts';
import { isOriginAllowed, type Origins } from './middleware/origin.ts';
import type { Denial, ErrorContext, Probe, ProbedConnection } from './probe.ts';
import type { Destination, RouteTable } from './router/table.ts';
import { failureCode, invalidCode } from './protocol/close-code.ts';
import { headerOf } from './socket/request.ts';
import type { SocketHost } from './socket/requested.ts';
import { ServerWebSocket } from './socket/websocket.ts';
import type { Upgrade } from './transport/transport.ts';
import { isThenable } from './promise.ts';

/** What an app lends to its connections. */
export interface ConnectionContext {
  readonly box: Box;
  readonly routes: RouteTable;
  readonly limits: Limits;
  readonly origins: Origins;
  readonly onError: ((error: unknown, context: ErrorContext) => void) | undefined;
}

/** Where upgrades arrive: turned away, or served from the first middleware to the last hook. */
export class ConnectionManager {
  probe: Probe | undefined = undefined;
  readonly #view: AppView;
  readonly #context: ConnectionContext;
  readonly #host: SocketHost;
  readonly #sockets = new Set<ServerWebSocket>();
  readonly #counters: Record<string, number> = { accepted: 0, denied: 0, errors: 0 };
  readonly #routeLimits = new Map<Destination, Limits>();
  #handlers = 0;
  #drain: Drain | undefined;

  constructor(view: AppView, context: ConnectionContext) {
    this.#view = view;
    this.#context = context;
    this.#host = this.#makeHost();
    context.box.local.useSockets(this.#sockets);
  }

  get snapshot(): { connections: number; bufferedBytes: number; counters: Record<string, number> } {
    let bufferedBytes = 0;
    for (const socket of this.#sockets) bufferedBytes += socket.bufferedBytes;
    return {
      connections: this.#sockets.size,
      bufferedBytes,
      counters: { ...this.#counters, handlers: this.#handlers },
    };
  }

  /** @returns undefined where nobody waits for the end, and no promise was made for it */
  handleUpgrade(asked: Upgrade, { isAwaited }: { isAwaited: boolean }): Promise<void> | undefined {
    this.#context.routes.freeze();
    const upgrade = this.probe?.upgrade?.(asked) ?? asked;
    const match = this.#context.routes.match(upgrade.path ?? upgrade.url.pathname);
    if (match === undefined) return this.#reject(upgrade, 404, { by: 'route' });
    const origin = headerOf(upgrade, 'origin');
    if (origin !== undefined && !isOriginAllowed(origin, headerOf(upgrade, 'host'), this.#context.origins)) {
      return this.#reject(upgrade, 403, { by: 'origin' });
    }
    if (this.#drain !== undefined || this.#sockets.size >= this.#context.limits.maxConnections) {
      return this.#reject(upgrade, 503, { by: 'limit' });
    }
    const { destination, params } = match;
    const socket = new ServerWebSocket(this.#host, {
      upgrade,
      params,
      route: destination.path,
      limits: this.#limitsOf(destination),
    });
    this.#sockets.add(socket);
    this.#handlers += 1;
    const probe = this.probe;
    if (probe?.run !== undefined) return probe.run(socket, () => this.#serve(socket, destination));
    if (!isAwaited) return this.#attend(socket, destination);
    return this.#serve(socket, destination);
  }

  /** From here on everybody new is turned away. */
  drain(options: DrainOptions): Promise<DrainReport> {
    this.#drain ??= new Drain(
      this.#context.box.scheduler,
      () => this.#sockets,
      () => this.#handlers,
    );
    return this.#drain.run(options);
  }

  async #serve(socket: ServerWebSocket, destination: Destination): Promise<void> {
    try {
      await this.#run(socket, destination);
    } catch (error) {
      return this.#finish(socket, { error });
    }
    return this.#finish(socket, undefined);
  }

  /** The same for a transport that does not wait for the end: a consumer then costs no promise while it is idle. */
  #attend(socket: ServerWebSocket, destination: Destination): undefined {
    let running: unknown;
    try {
      running = this.#run(socket, destination);
    } catch (error) {
      void this.#finish(socket, { error });
      return;
    }
    if (running instanceof ConsumerRun) running.tell(this.#whenEnded);
    else if (!isThenable(running)) void this.#finish(socket, undefined);
    else {
      running.then(
        () => this.#finish(socket, undefined),
        (error: unknown) => this.#finish(socket, { error }),
      );
    }
  }

  readonly #whenEnded: WhenEnded = (socket, failure) => void this.#finish(socket, failure);

  async #finish(socket: ServerWebSocket, failure: { readonly error: unknown } | undefined): Promise<void> {
    if (failure !== undefined) await this.#failed(socket, failure.error);
    if (socket.isPending)
      await socket.refuse(answer(403), { by: socket.hasReachedHandler ? 'returned' : 'middleware' });
    else void socket.close();
    this.#handlers -= 1;
    if (!socket.wasAccepted) this.#sockets.delete(socket);
    this.#drain?.check();
  }

  #run(socket: ServerWebSocket, { run, middleware }: Destination): unknown {
    socket.hook = middleware.length > 0 ? 'middleware' : 'handler';
    const running = run(socket, socket.params);
    if (isThenable(running) && socket.isPending) this.#expectAnswer(socket);
    return running;
  }

  /** The handler is thinking: the client may leave meanwhile, and may not wait for ever. */
  #expectAnswer(socket: ServerWebSocket): void {
    const { signal } = socket.upgrade;
    if (signal.aborted) return socket.leaveUnanswered();
    signal.addEventListener('abort', () => socket.leaveUnanswered(), { once: true });
    socket.startAcceptTimeout();
  }

  async #failed(socket: ServerWebSocket, error: unknown): Promise<void> {
    if (error instanceof WebSocketDisconnect) return;
    if (error instanceof FrameError && socket.wasAccepted) {
      socket.note('invalid frame', error);
      void socket.close(invalidCode(error));
      return;
    }
    this.#report(socket, error, socket.hook);
    if (socket.isPending) await socket.refuse(answer(500), { by: 'threw', error });
    else void socket.close(failureCode(error));
  }

  async #reject(upgrade: Upgrade, status: number, denial: Denial): Promise<void> {
    this.#count('denied');
    this.probe?.denied?.(upgrade, denial);
    await upgrade.deny(answer(status));
  }

  #report(socket: ProbedConnection, error: unknown, hook: string): void {
    this.#count('errors');
    const context: ErrorContext = { connection: socket.id, route: socket.route, hook };
    this.probe?.failed?.(error, context, socket.upgrade);
    this.#tell(error, context, 'a handler failed');
  }

  /** Of a function of the app that runs for no connection. */
  reportOutside(error: unknown, hook: string): void {
    this.#count('errors');
    this.#tell(error, { connection: undefined, route: undefined, hook }, `${hook} failed`);
  }

  #tell(error: unknown, context: ErrorContext, what: string): void {
    this.log(what, { ...context, error });
    const onFailure = (failure: unknown): void => this.log('onError failed', { ...context, error: failure });
    try {
      // One that is async may fail later.
      const telling: unknown = this.#context.onError?.(error, context);
      if (isThenable(telling)) telling.then(undefined, onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  }

  /** A logger that throws harms nobody. */
  log(message: string, fields: object): void {
    try {
      this.#view.logger.error(message, fields);
    } catch {
      this.#count('logFailures');
    }
  }

  #count(event: string): void {
    this.#counters[event] = (this.#counters[event] ?? 0) + 1;
  }

  #limitsOf(destination: Destination): Limits {
    if (destination.limits === undefined) return this.#context.limits;
    let limits = this.#routeLimits.get(destination);
    if (limits === undefined) {
      limits = { ...this.#context.limits, ...destination.limits };
      this.#routeLimits.set(destination, limits);
    }
    return limits;
  }

  #makeHost(): SocketHost {
    const connections = this;
    const { box } = this.#context;
    return {
      view: this.#view,
      box,
      scheduler: box.scheduler,
      get probe() {
        return connections.probe;
      },
      count: (event) => this.#count(event),
      denied: (socket, denial) => {
        this.#count('denied');
        this.#sockets.delete(socket as ServerWebSocket);
        this.probe?.denied?.(socket.upgrade, denial);
      },
      ended: (socket) => {
        this.#sockets.delete(socket as ServerWebSocket);
        this.#drain?.check();
      },
      report: (socket, error, hook) => this.#report(socket, error, hook),
    };
  }
}

function answer(status: number): Response {
  return new Response(null, { status });
}
