import { createServer, type RequestListener, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Box } from './channel/box.ts';
import type { Clock } from './clock.ts';
import { Session, type WhenEnded } from './consumer/session.ts';
import { Drain, type DrainOptions, type DrainReport } from './drain.ts';
import { BoxError, FrameError, RouteError, WebSocketDisconnect } from './errors.ts';
import type { AppSnapshot, AppView, ChannelBox, Handler, Limits, Logger, Middleware } from './handler.ts';
import { checkLimits, defaultLimits } from './limits.ts';
import { isOriginAllowed, type Origins } from './middleware/origin.ts';
import type { Denial, ErrorContext, Probe, Visit } from './probe.ts';
import type { ParamsOf } from './router/pattern.ts';
import { routeFrom, type RouteOptions, type WebsocketRoutes } from './router/route.ts';
import type { WSRouter } from './router/router.ts';
import { RouteTable, type Destination } from './router/table.ts';
import { checkClose, closeCode, invalidCode } from './socket/close-code.ts';
import { headerOf } from './socket/request.ts';
import type { SocketHost } from './socket/requested.ts';
import { ServerWebSocket } from './socket/websocket.ts';
import { NodeTransport, type NodeTransportHost } from './transport/node.ts';
import type { Upgrade } from './transport/transport.ts';

export interface AppOptions {
  /** Default: one of its own, in memory. */
  channelBox?: ChannelBox;
  /** Default: the machine's. */
  clock?: Clock;
  /** Default: warnings and errors go to the console. */
  logger?: Logger;
  limits?: Partial<Limits>;
  /** Of browsers, besides the server's own; `'*'` for all. */
  origins?: Origins;
  /** Offers permessage-deflate; a broadcast is deflated once for all who took it. Default false. */
  compression?: boolean;
  /** A trailing slash then makes another path. Default false. */
  strict?: boolean;
  /** Learns of every error that the app's own code threw. */
  onError?: (error: unknown, context: ErrorContext) => void;
  /** What `listen` answers to plain HTTP; default 426. */
  http?: RequestListener;
}

const defaultLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, fields) => console.warn(message, fields ?? ''),
  error: (message, fields) => console.error(message, fields ?? ''),
};

const done = Promise.resolve();

let reach: (app: App, probe: Probe) => void;

/** Upgrades in, connections served, an orderly drain out. Nothing it holds is shared with another app. */
export class App implements AppView, AsyncDisposable {
  readonly #options: AppOptions;
  readonly #box: Box;
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #routes: RouteTable;
  readonly #transport: NodeTransport;
  readonly #servers = new Set<HttpServer>();
  readonly #sockets = new Set<ServerWebSocket>();
  readonly #counters: Record<string, number> = { accepted: 0, denied: 0, errors: 0 };
  readonly #routeLimits = new Map<Destination, Limits>();
  readonly #host: SocketHost;
  #handlers = 0;
  #drain: Drain | undefined;
  #isDraining = false;
  #probe: Probe | undefined;

  /**
   * @throws {BoxError} `CHANNELBOX_BOX_TAKEN` for a box of another app, `CHANNELBOX_FOREIGN_BOX`
   * @throws {LimitError} `CHANNELBOX_LIMITS`
   */
  constructor(options: AppOptions = {}) {
    checkLimits(options.limits ?? {}, 'app');
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#logger = options.logger ?? defaultLogger;
    this.#box = takeBox(options.channelBox ?? new Box(), this);
    this.#box.groupNameBytesMax = this.#limits.groupNameBytes;
    this.#box.onLayerError = (error) => this.#log('the layer failed', { error });
    if (options.clock !== undefined) this.#box.keeping.adopt(options.clock);
    this.#routes = new RouteTable({
      strict: options.strict ?? false,
      enter: (ws, stage) => {
        (ws as ServerWebSocket).hook = stage;
      },
    });
    this.#host = this.#makeHost();
    this.#transport = new NodeTransport(this.#transportHost(), { compression: options.compression ?? false });
  }

  get clock(): Clock {
    return this.#box.keeping.clock;
  }

  get logger(): Logger {
    return this.#logger;
  }

  get channelBox(): ChannelBox {
    return this.#box;
  }

  // ── Routes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws {RouteError} for a bad path or handler, a duplicate, and, after the first connection, `CHANNELBOX_APP_IN_USE` */
  wsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this;
  wsRoute<const Path extends string>(path: Path, options: RouteOptions, handler: Handler<ParamsOf<Path>>): this;
  wsRoute(...given: readonly unknown[]): this {
    this.#routes.addRoute(routeFrom(given));
    return this;
  }

  /** The same as `wsRoute`. */
  websocketRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this {
    return this.wsRoute(path, handler);
  }

  addWsRoute(route: WebsocketRoutes): this;
  addWsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this;
  addWsRoute(...given: readonly unknown[]): this {
    this.#routes.addRoute(routeFrom(given));
    return this;
  }

  /** A prefix given here replaces the router's own. */
  mountWsRouter(router: WSRouter<string>, prefix?: string): this {
    this.#routes.mount(router, prefix);
    return this;
  }

  /** The same as `mountWsRouter`. */
  includeWsRouter(router: WSRouter<string>, prefix?: string): this {
    return this.mountWsRouter(router, prefix);
  }

  /** Around every route; the first added is the outermost. */
  addWsMiddleware(middleware: Middleware): this {
    this.#routes.addMiddleware(middleware);
    return this;
  }

  // ── Connections ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes the upgrades of a server that somebody else runs.
   * @param options.unmatched `'ignore'` leaves what no route takes to the server's other listeners; default 404.
   */
  attach(server: HttpServer | HttpsServer, options: { unmatched?: 'deny' | 'ignore' } = {}): this {
    this.#transport.attach(server, options);
    return this;
  }

  /** Opens a port of its own; 0 for a free one. Rejects where the port cannot be had. */
  listen(port: number, host?: string): Promise<AddressInfo> {
    const server = createServer(this.#options.http ?? upgradeRequired);
    this.attach(server);
    this.#servers.add(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        this.#servers.delete(server);
        reject(error);
      });
      server.listen(port, host, () => resolve(server.address() as AddressInfo));
    });
  }

  /** The one way in for a transport; resolves when the handler and its hooks have ended. */
  handle(upgrade: Upgrade): Promise<void> {
    return this.#admit(upgrade, { isAwaited: true }) ?? done;
  }

  /** @returns undefined where nobody waits for the end, and no promise was made for it */
  #admit(asked: Upgrade, { isAwaited }: { isAwaited: boolean }): Promise<void> | undefined {
    this.#routes.freeze();
    const upgrade = this.#probe?.upgrade?.(asked) ?? asked;
    const match = this.#routes.match(upgrade.path ?? upgrade.url.pathname);
    if (match === undefined) return this.#turnAway(upgrade, 404, { by: 'route' });
    const { origins = [] } = this.#options;
    const origin = headerOf(upgrade, 'origin');
    if (origin !== undefined && !isOriginAllowed(origin, headerOf(upgrade, 'host'), origins)) {
      return this.#turnAway(upgrade, 403, { by: 'origin' });
    }
    if (this.#isDraining || this.#sockets.size >= this.#limits.maxConnections) {
      return this.#turnAway(upgrade, 503, { by: 'limit' });
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
    const probe = this.#probe;
    if (probe?.run !== undefined) return probe.run(socket, () => this.#serve(socket, destination));
    if (!isAwaited) return this.#attend(socket, destination);
    return this.#serve(socket, destination);
  }

  /**
   * Lets go of everybody in good order: no new connection, close frames spread over time, hooks waited for.
   * Resolves when all have gone, or when `withinMs` is over and the rest was cut off.
   * @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE`, `CHANNELBOX_CLOSE_REASON`
   */
  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    checkClose(options);
    this.#isDraining = true;
    for (const server of this.#servers) server.close();
    this.#drain ??= new Drain(
      this.#box.keeping,
      () => this.#sockets,
      () => this.#handlers,
    );
    return this.#drain.run(options);
  }

  /** Ends it: sockets close with 1001, ports and layer too. */
  async close(): Promise<void> {
    await this.drain({ withinMs: this.#limits.closeTimeoutMs * 2, code: closeCode.goingAway, batch: Infinity });
    this.#transport.detach();
    for (const server of this.#servers) server.closeAllConnections();
    this.#servers.clear();
    await this.#box.layer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  inspect(): AppSnapshot {
    let bufferedBytes = 0;
    for (const socket of this.#sockets) bufferedBytes += socket.bufferedBytes;
    return {
      connections: this.#sockets.size,
      ...this.#box.local.counts,
      bufferedBytes,
      historyBytes: this.#box.layer.historyBytes,
      counters: { ...this.#counters, handlers: this.#handlers, ...this.#transport.counts },
    };
  }

  // ── One connection ────────────────────────────────────────────────────────────────────────────────────────────────

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
    if (running instanceof Session) running.tell(this.#whenEnded);
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
    else void socket.close(closeCode.internalError);
  }

  async #turnAway(upgrade: Upgrade, status: number, denial: Denial): Promise<void> {
    this.#count('denied');
    this.#probe?.denied?.(upgrade, denial);
    await upgrade.deny(answer(status));
  }

  #report(socket: Visit, error: unknown, hook: string): void {
    this.#count('errors');
    const context: ErrorContext = { connection: socket.id, route: socket.route, hook };
    this.#probe?.failed?.(error, context, socket.upgrade);
    this.#log('a handler failed', { ...context, error });
    const onFailure = (failure: unknown): void => this.#log('onError failed', { ...context, error: failure });
    try {
      // One that is async may fail later.
      const telling: unknown = this.#options.onError?.(error, context);
      if (isThenable(telling)) telling.then(undefined, onFailure);
    } catch (failure) {
      onFailure(failure);
    }
  }

  /** A logger that throws harms nobody. */
  #log(message: string, fields: object): void {
    try {
      this.#logger.error(message, fields);
    } catch {
      this.#count('logFailures');
    }
  }

  #count(event: string): void {
    this.#counters[event] = (this.#counters[event] ?? 0) + 1;
  }

  #limitsOf(destination: Destination): Limits {
    if (destination.limits === undefined) return this.#limits;
    let limits = this.#routeLimits.get(destination);
    if (limits === undefined) {
      limits = { ...this.#limits, ...destination.limits };
      this.#routeLimits.set(destination, limits);
    }
    return limits;
  }

  #makeHost(): SocketHost {
    const app = this;
    return {
      view: app,
      box: app.#box,
      keeping: app.#box.keeping,
      get probe() {
        return app.#probe;
      },
      count: (event) => app.#count(event),
      denied: (socket, denial) => {
        app.#count('denied');
        app.#sockets.delete(socket as ServerWebSocket);
        app.#probe?.denied?.(socket.upgrade, denial);
      },
      ended: (socket) => {
        app.#sockets.delete(socket as ServerWebSocket);
        app.#drain?.check();
      },
      report: (socket, error, hook) => app.#report(socket, error, hook),
    };
  }

  #transportHost(): NodeTransportHost {
    const { turn } = this.#box.keeping;
    return {
      turn,
      handle: (upgrade) => this.#admit(upgrade, { isAwaited: false }),
      matches: (path) => this.#routes.match(path) !== undefined,
    };
  }

  static {
    reach = (app, probe) => {
      if (app.#routes.isInUse && probe.clock !== undefined) {
        throw new RouteError(
          'CHANNELBOX_APP_IN_USE',
          'the app has had its first connection; put it under test before anyone connects to it',
        );
      }
      app.#probe = probe;
      app.#box.probe = probe;
      if (probe.clock !== undefined) app.#box.keeping.adopt(probe.clock);
    };
  }
}

/**
 * What the testing kit, the simulator and the bridge see of a running app, and nothing else.
 * @internal
 * @throws {RouteError} `CHANNELBOX_APP_IN_USE` when it brings a clock after the first connection
 */
export function instrument(app: App, probe: Probe): void {
  reach(app, probe);
}

function takeBox(box: ChannelBox, app: App): Box {
  if (!(box instanceof Box)) {
    throw new BoxError('CHANNELBOX_FOREIGN_BOX', 'channelBox is no ChannelBox; make it with new ChannelBox(options)');
  }
  if (box.owner !== undefined) {
    throw new BoxError('CHANNELBOX_BOX_TAKEN', 'the box belongs to another app; two apps share a layer, never a box');
  }
  box.owner = app;
  return box;
}

function answer(status: number): Response {
  return new Response(null, { status });
}

function upgradeRequired(_request: unknown, response: ServerResponse): void {
  response.writeHead(426, { Connection: 'Upgrade', Upgrade: 'websocket', 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('This server speaks WebSocket.\n');
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function';
}
