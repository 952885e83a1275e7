import type { Box } from './channel/box.ts';
import { Drain, spread, type DrainOptions, type DrainReport } from './drain.ts';
import { FrameError, isA, isFromOutside, messageOf, WebSocketDisconnect } from './errors.ts';
import type { AppView, Limits, Logger, WhenEnded } from './api.ts';
import { isOriginAllowed, type Origins } from './middleware/origin.ts';
import type { ErrorContext, Probe, ProbedConnection, RefusalReason } from './probe.ts';
import type { Destination, RouteTable } from './router/table.ts';
import { closeCode, failureCode, invalidCode } from './protocol/close-code.ts';
import { isResponse } from './socket/accept.ts';
import { headerOf } from './socket/request.ts';
import type { SocketHost } from './socket/host.ts';
import { ServerWebSocket } from './socket/websocket.ts';
import type { Upgrade } from './transport/transport.ts';
import { follow, quiet, type Watch } from './promise.ts';

/** What an app lends to its connections. */
export interface ConnectionContext {
  readonly box: Box;
  readonly routes: RouteTable;
  readonly limits: Limits;
  readonly origins: Origins;
  readonly onError: ((error: unknown, context: ErrorContext) => void) | undefined;
}

interface Rejection {
  readonly status: number;
  readonly by: RefusalReason;
  readonly tell: (() => void) | undefined;
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
  /** Transports that wait for the end of a connection. */
  readonly #waiting = new Map<ServerWebSocket, () => void>();
  #handlers = 0;
  #drain: Drain | undefined;
  #turnedAway = 0;

  constructor(view: AppView, context: ConnectionContext) {
    this.#view = view;
    this.#context = context;
    this.#host = this.#makeHost();
  }

  /** Of everybody who has asked to be let in. */
  get sockets(): ReadonlySet<ServerWebSocket> {
    return this.#sockets;
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

  /** @param tell called when the handler and its hooks have ended, or the answer is out */
  handleUpgrade(asked: Upgrade, tell?: () => void): void {
    this.#context.routes.freeze();
    const upgrade = this.probe?.upgrade?.(asked) ?? asked;
    const match = this.#context.routes.match(upgrade.path ?? upgrade.url.pathname);
    if (match === undefined) return this.#reject(upgrade, { status: 404, by: 'route', tell });
    const origin = headerOf(upgrade, 'origin');
    if (origin !== undefined && !isOriginAllowed(origin, headerOf(upgrade, 'host'), this.#context.origins)) {
      return this.#reject(upgrade, { status: 403, by: 'origin', tell });
    }
    const isOpen = this.#drain === undefined && this.#context.box.opening === undefined;
    if (!isOpen || this.#sockets.size >= this.#context.limits.maxConnections) {
      return this.#reject(upgrade, { status: 503, by: 'limit', tell });
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
    const { probe } = this;
    if (probe?.run === undefined) return this.#serve(socket, destination, tell);
    void probe.run(socket, () => new Promise((resolve) => this.#serve(socket, destination, resolve))).then(tell);
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

  /** Runs what the route leads to. Where nobody waits for the end, an idle consumer costs no promise. */
  #serve(socket: ServerWebSocket, { serve, middleware }: Destination, tell?: () => void): void {
    if (tell !== undefined) this.#waiting.set(socket, tell);
    socket.hook = middleware.length > 0 ? 'middleware' : 'handler';
    try {
      serve(socket, socket.params, this.#whenEnded);
    } catch (error) {
      this.#whenEnded(socket, { error });
    }
    if (socket.phase === 'pending') this.#expectAnswer(socket);
  }

  readonly #whenEnded: WhenEnded = (ws, failure) => void this.#finish(ws as ServerWebSocket, failure);

  async #finish(socket: ServerWebSocket, failure: { readonly error: unknown } | undefined): Promise<void> {
    try {
      if (failure !== undefined) await this.#failed(socket, failure.error);
      if (socket.phase === 'pending')
        await socket.refuse(answer(403), { by: socket.hasReachedHandler ? 'returned' : 'middleware' });
      else void socket.close();
    } catch (error) {
      this.#report(socket, error, socket.hook);
    }
    this.#handlers -= 1;
    if (!socket.wasAccepted) this.#sockets.delete(socket);
    this.#drain?.check();
    this.#waiting.get(socket)?.();
    this.#waiting.delete(socket);
  }

  /** The handler is thinking: the client may leave meanwhile, and may not wait for ever. */
  #expectAnswer(socket: ServerWebSocket): void {
    const { signal } = socket.upgrade;
    if (signal.aborted) return socket.leaveUnanswered();
    signal.addEventListener('abort', () => socket.leaveUnanswered(), { once: true });
    socket.startAcceptTimeout();
  }

  async #failed(socket: ServerWebSocket, error: unknown): Promise<void> {
    if (isA(error, WebSocketDisconnect)) return;
    if (isResponse(error)) return this.#answer(socket, error);
    if (isA(error, FrameError) && socket.wasAccepted) {
      this.#note(socket, 'invalid frame', error);
      void socket.close(invalidCode(error));
      return;
    }
    if (isFromOutside(error)) {
      this.#refusedInput(socket, error, socket.hook);
      if (socket.phase === 'pending') await socket.refuse(answer(400), { by: 'threw' });
      else void socket.close(closeCode.policyViolation);
      return;
    }
    await this.#fail(socket, error, { hook: socket.hook, what: 'a handler failed' });
  }

  /** A `Response` that the app's code returned or threw: before the accept it is the answer, after it nothing. */
  async #answer(socket: ServerWebSocket, response: Response): Promise<void> {
    if (socket.phase !== 'pending') return;
    try {
      await socket.deny(response);
    } catch (error) {
      await this.#fail(socket, error, { hook: socket.hook, what: 'a handler failed' });
    }
  }

  /** A mistake of the app's own code costs its socket. */
  async #fail(socket: ServerWebSocket, error: unknown, { hook, what }: { hook: string; what: string }): Promise<void> {
    this.#report(socket, error, hook, what);
    if (socket.phase === 'pending') await socket.refuse(answer(500), { by: 'threw', error });
    else void socket.close(failureCode(error));
  }

  /** For a call of the app, on a socket or on none, that fails and may not be awaited. */
  watch(socket: ServerWebSocket | undefined, call: string): Watch {
    return new CallWatch(this, socket, call);
  }

  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void {
    this.#context.box.scheduler.turn.atEnd(task);
  }

  /** A call of the app failed, and nobody awaited it. */
  unseen(error: unknown, { socket, call, hook }: CallWatch): void {
    const what = `${call}() failed, and nobody awaited it`;
    if (isA(error, WebSocketDisconnect)) return;
    if (socket === undefined) this.reportOutside(error, hook, what);
    else if (isA(error, FrameError) && socket.wasAccepted) void this.#failed(socket, error);
    else void quiet(this.#fail(socket, error, { hook, what }));
  }

  #reject(upgrade: Upgrade, { status, by, tell = ignore }: Rejection): void {
    this.#count('denied');
    this.probe?.denied?.(upgrade, { by });
    upgrade.deny(answer(status, status === 503 ? this.#retryAfter() : {})).then(tell, tell);
  }

  /** Who is turned away for a while comes back after one to five seconds, not all in the same one. */
  #retryAfter(): Record<string, string> {
    this.#turnedAway += 1;
    return { 'retry-after': String(1 + Math.floor(spread(this.#turnedAway) * 5)) };
  }

  #report(socket: ProbedConnection, error: unknown, hook: string, what = 'a handler failed'): void {
    this.#count('errors');
    const context: ErrorContext = { connection: socket.id, route: socket.route, hook };
    this.probe?.failed?.(error, context, socket.upgrade);
    this.#tell(error, context, what);
  }

  /** Of a function of the app that runs for no connection. */
  reportOutside(error: unknown, hook: string, what = `${hook} failed`): void {
    this.#count('errors');
    this.#tell(error, { connection: undefined, route: undefined, hook }, what);
  }

  #tell(error: unknown, context: ErrorContext, what: string): void {
    this.log(what, { ...context, error });
    const onFailure = (failure: unknown): void => this.log('onError failed', { ...context, error: failure });
    try {
      // One that is async may fail later.
      follow(this.#context.onError?.(error, context), onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  }

  #note({ id, route, hook }: ProbedConnection, what: string, { message }: Error): void {
    this.#write('debug', what, { connection: id, route, hook, error: message });
  }

  #refusedInput({ id, route }: ProbedConnection, error: unknown, hook: string): void {
    this.#write('info', 'a client sent what is refused', { connection: id, route, hook, error: messageOf(error) });
  }

  log(message: string, fields: object): void {
    this.#write('error', message, fields);
  }

  /** A logger that fails harms nobody, at once or later. */
  #write(level: keyof Logger, message: string, fields: object): void {
    const onFailure = (): void => this.#count('logFailures');
    try {
      const writing: unknown = this.#view.logger[level](message, fields);
      follow(writing, onFailure);
    } catch {
      onFailure();
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
      note: (socket, what, error) => this.#note(socket, what, error),
      refusedInput: (socket, error, hook) => this.#refusedInput(socket, error, hook),
      watch: (socket, call) => this.watch(socket as ServerWebSocket, call),
      report: (socket, error, hook) => this.#report(socket, error, hook),
    };
  }
}

/** One call of the app, on a socket or on none, as long as nobody has looked at what it comes to. */
class CallWatch implements Watch {
  readonly #connections: ConnectionManager;
  readonly #site: { stack?: string } = {};
  readonly socket: ServerWebSocket | undefined;
  readonly call: string;
  /** Which of the app's own functions ran when it was made. */
  readonly hook: string;

  constructor(connections: ConnectionManager, socket: ServerWebSocket | undefined, call: string) {
    this.#connections = connections;
    this.socket = socket;
    this.call = call;
    this.hook = socket?.hook ?? call;
  }

  atEnd(task: () => void): void {
    this.#connections.atEnd(task);
  }

  /** V8 writes it out when it is first read. */
  rememberSite(): this {
    Error.captureStackTrace(this.#site, this.rememberSite);
    return this;
  }

  unseen(error: unknown): void {
    this.#showSite(error);
    this.#connections.unseen(error, this);
  }

  #showSite(error: unknown): void {
    const { stack } = this.#site;
    if (stack === undefined || !isA(error, Error)) return;
    try {
      error.stack += stack.replace(/^[^\n]*/, `\n    ${this.call}() was called`);
    } catch {
      // A frozen one stays as it is.
    }
  }
}

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}

function ignore(): void {}
