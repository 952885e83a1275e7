import { createServer, type Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Box } from './channel/box.ts';
import type { BoxHome } from './channel/home.ts';
import { boxOf, defaultLogger, serverOptions, upgradeRequired, type AppOptions } from './app-options.ts';
import type { Clock } from './time/clock.ts';
import { within, type DrainOptions, type DrainReport } from './drain.ts';
import { ChannelBoxError, RouteError } from './errors.ts';
import type { AppSnapshot, AppView, ChannelBox, Handler, Limits, Logger, Middleware } from './api.ts';
import { checkLimits, defaultLimits, resolveLimits } from './limits.ts';
import type { Probe } from './probe.ts';
import { WatchedPromise } from './promise.ts';
import { AppLog } from './log/app-log.ts';
import { loggerFrom } from './log/logger.ts';
import { Tally } from './protocol/counters.ts';
import { ConnectionManager } from './connections.ts';
import { consumerRoute, type ConsumerClass, type ConsumerHooks } from './consumer/consumer.ts';
import type { ParamsOf } from './route/pattern.ts';
import { routeFrom, type RouteOptions, type WebsocketRoutes } from './route/route.ts';
import type { MountPrefix, WSRouter } from './router/router.ts';
import { RouteTable } from './router/table.ts';
import { checkClose, closeCode } from './protocol/close-code.ts';
import type { ServerWebSocket } from './socket/websocket.ts';
import type { ChannelLayer } from './layer/layer.ts';
import type { Buckets } from './time/histogram.ts';
import { LoopDelay } from './time/loop-delay.ts';
import { NodeTransport, type NodeTransportHost } from './transport/node/node.ts';
import type { Upgrade } from './transport/transport.ts';

let reach: (app: App, probe: Probe) => void;
let figures: (app: App) => AppFigures;

/** An app takes upgrades in, serves connections, and drains in order. Nothing it holds is shared with another app. */
export class App implements AppView, AsyncDisposable {
  readonly #options: AppOptions;
  readonly #box: Box;
  readonly #limits: Limits;
  #logger: Logger;
  readonly #log: AppLog;
  readonly #counters = new Tally();
  readonly #routes: RouteTable;
  readonly #connections: ConnectionManager;
  readonly #transport: NodeTransport;
  readonly #servers = new Set<HttpServer>();
  readonly #loopDelay = new LoopDelay([0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]);
  #isClosed = false;

  /**
   * @throws {BoxError} `CHANNELBOX_BOX_TAKEN` for a box of another app, `CHANNELBOX_FOREIGN_BOX`
   * @throws {LimitError} `CHANNELBOX_LIMITS`
   * @throws {ChannelBoxError} `CHANNELBOX_LOGGER` for a logger whose shape is not known
   */
  constructor(options: AppOptions = {}) {
    checkLimits(options.limits ?? {}, 'app');
    this.#options = options;
    this.#limits = resolveLimits(defaultLimits, options.limits ?? {});
    this.#logger = loggerFrom(options.logger ?? defaultLogger);
    this.#log = new AppLog(() => this.#logger, this.#counters);
    this.#box = boxOf(options.channelBox ?? new Box());
    this.#routes = new RouteTable({
      strict: options.strict ?? false,
      enter: (ws, stage) => {
        (ws as ServerWebSocket).hook = stage;
      },
    });
    this.#connections = new ConnectionManager(this, {
      box: this.#box,
      routes: this.#routes,
      limits: this.#limits,
      admission: options,
      onError: options.onError,
      log: this.#log,
      counters: this.#counters,
    });
    this.#box.attach(this.#boxHome(options.clock));
    this.#transport = new NodeTransport(this.#transportHost(), { compression: options.compression ?? false });
  }

  get clock(): Clock {
    return this.#box.scheduler.clock;
  }

  get logger(): Logger {
    return this.#logger;
  }

  get channelBox(): ChannelBox {
    return this.#box;
  }

  // ── Routes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Adds a route.
   * @throws {RouteError} what `WebsocketRoutes` throws; `CHANNELBOX_BAD_ROUTE` for what is none; `CHANNELBOX_DUPLICATE_ROUTE`;
   * `CHANNELBOX_APP_IN_USE` after the first connection
   */
  wsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this;
  wsRoute<const Path extends string>(
    path: Path,
    options: RouteOptions<ParamsOf<Path>>,
    handler: Handler<ParamsOf<Path>>,
  ): this;
  wsRoute(...given: readonly unknown[]): this {
    this.#routes.addRoute(routeFrom(given));
    return this;
  }

  /** The same as `wsRoute`. */
  websocketRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this {
    return this.wsRoute(path, handler);
  }

  /** Adds a route as a value, or a path and its handler. @throws {RouteError} what `wsRoute` throws, `CHANNELBOX_BAD_ROUTE` among it */
  addWsRoute(route: WebsocketRoutes): this;
  addWsRoute<const Path extends string>(path: Path, handler: Handler<ParamsOf<Path>>): this;
  addWsRoute(...given: readonly unknown[]): this {
    this.#routes.addRoute(routeFrom(given));
    return this;
  }

  /**
   * Adds a consumer whose hooks know the path's parameters; the class form takes the constructor's arguments too.
   * @throws {RouteError} `CHANNELBOX_BAD_HANDLER` for what is neither, and what `wsRoute` throws
   */
  consumer<const Path extends string, In = unknown>(path: Path, hooks: ConsumerHooks<In, ParamsOf<Path>>): this;
  consumer<const Path extends string, A extends unknown[], P>(
    path: Path & (ParamsOf<Path> extends P ? unknown : never),
    type: ConsumerClass<A, P>,
    ...constructorArgs: A
  ): this;
  consumer(...given: readonly unknown[]): this {
    this.#routes.addRoute(consumerRoute(given));
    return this;
  }

  /**
   * A prefix given here replaces the router's own; it brings at least the same parameters.
   * @throws {RouteError} `CHANNELBOX_BAD_MOUNT` for what is no router or lacks parameters, and what its routes' registration throws
   */
  mountWsRouter<P extends string, const M extends string = P>(router: WSRouter<P>, prefix?: MountPrefix<P, M>): this {
    this.#routes.mount(router, prefix);
    return this;
  }

  /** The same as `mountWsRouter`. */
  includeWsRouter<P extends string, const M extends string = P>(router: WSRouter<P>, prefix?: MountPrefix<P, M>): this {
    return this.mountWsRouter<P, M>(router, prefix);
  }

  /** Around every route; the first added is the outermost. */
  addWsMiddleware(middleware: Middleware): this {
    this.#routes.addMiddleware(middleware);
    return this;
  }

  // ── Connections ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Whether an upgrade to this path, or request target, would find a route: for servers that route upgrades themselves.
   * Asking puts nothing in use.
   */
  matches(path: string): boolean {
    return this.#routes.has(path);
  }

  /**
   * Takes the upgrades of a server that somebody else runs.
   * @param options.unmatched `'ignore'` leaves what no route takes to the server's other listeners; default 404.
   */
  attach(server: HttpServer | HttpsServer, options: { unmatched?: 'deny' | 'ignore' } = {}): this {
    this.#transport.attach(server, options);
    return this;
  }

  /**
   * Opens a port of its own; 0 for a free one. Where the layer has to connect first, after that. Rejects where the port
   * cannot be had, with what the layer rejects with, and for an app that was closed meanwhile.
   * @throws {ChannelBoxError} `CHANNELBOX_APP_CLOSED`
   */
  listen(port: number, host?: string): Promise<AddressInfo> {
    if (this.#isClosed) return Promise.reject(closed('listen() came for an app that is closed; make a new one'));
    const { opening } = this.#box;
    if (opening === undefined) return this.#listenNow(port, host);
    return opening.then(() => {
      if (!this.#isClosed) return this.#listenNow(port, host);
      throw closed('the app was closed before its layer had opened');
    });
  }

  #listenNow(port: number, host: string | undefined): Promise<AddressInfo> {
    const server = createServer(serverOptions(this.#limits), this.#options.http ?? upgradeRequired);
    this.#connections.arrivals.watch(server);
    this.attach(server);
    this.#servers.add(server);
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        this.#servers.delete(server);
        reject(error);
      };
      server.once('error', onError);
      server.listen(port, host, () => {
        server.off('error', onError);
        resolve(server.address() as AddressInfo);
      });
    });
  }

  /** The one way in for a transport; resolves when the handler and its hooks have ended. */
  handle(upgrade: Upgrade): Promise<void> {
    return new Promise((resolve) => this.#connections.handleUpgrade(upgrade, resolve));
  }

  /**
   * Lets go of everybody in good order: no new connection, close frames spread over time, hooks waited for.
   * Resolves when all have gone, or when `withinMs` is over and the rest was cut off.
   * @throws {ChannelBoxError} `CHANNELBOX_CLOSE_CODE`, `CHANNELBOX_CLOSE_REASON`
   */
  drain(options: DrainOptions = {}): Promise<DrainReport> {
    const draining = async (): Promise<DrainReport> => {
      checkClose(options);
      return this.#drain(options);
    };
    return WatchedPromise.of(draining(), this.#connections.watch(undefined, 'drain'));
  }

  /**
   * Ends it: sockets close with 1001, ports and layer too. Settles whatever handlers and layer do: twice `closeTimeoutMs` for
   * the sockets and once for the layer; who was still running is logged.
   */
  close(): Promise<void> {
    return WatchedPromise.of(this.#close(), this.#connections.watch(undefined, 'close'));
  }

  #drain(options: DrainOptions): Promise<DrainReport> {
    for (const server of this.#servers) server.close();
    return this.#connections.drain(options);
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#loopDelay.stop();
    const { closeTimeoutMs } = this.#limits;
    const { running } = await this.#drain({ withinMs: closeTimeoutMs * 2, code: closeCode.goingAway, batch: Infinity });
    if (running.length > 0) this.#log.write('warn', 'the app has ended, and handlers of it have not', { running });
    this.#transport.detach();
    for (const server of this.#servers) server.closeAllConnections();
    this.#servers.clear();
    if (!(await within(this.clock, this.#box.layer.close(), closeTimeoutMs))) {
      this.#log.write('error', 'the layer has not ended within closeTimeoutMs', { closeTimeoutMs });
    }
    // History would keep its timer, and with it all of this, for as long as messages are kept.
    this.#box.scheduler.deadlines.clear();
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Counts what the app holds now; costs what reading some counters costs. */
  inspect(): AppSnapshot {
    const { historyBytes } = this.#box.layer;
    const counters = this.#counters.snapshot(this.#transport.counts);
    return Object.assign({}, this.#connections.snapshot, this.#box.local.counts, { historyBytes, counters });
  }

  #boxHome(clock: Clock | undefined): BoxHome {
    const connections = this.#connections;
    return {
      clock,
      limits: this.#limits,
      sockets: connections.sockets,
      probe: () => connections.probe,
      log: (message, fields) => this.#log.write('error', message, fields),
      failed: (error, hook) => connections.faults.reportOutside(error, hook),
      watch: (call) => connections.watch(undefined, call),
    };
  }

  #transportHost(): NodeTransportHost {
    const { turn } = this.#box.scheduler;
    return {
      turn,
      answering: this.#connections.answers.add,
      arrived: this.#connections.arrivals.arrived,
      handle: (upgrade) => this.#connections.handleUpgrade(upgrade),
      matches: (path) => this.#routes.match(path) !== undefined,
      refused: (status, handshake) => this.#connections.refuse(status, handshake),
      warn: (message) => this.#log.write('warn', message, {}),
      later: (task) => void this.clock.setTimeout(task, this.#limits.acceptTimeoutMs, 'an upgrade left to others'),
    };
  }

  static {
    figures = (app) => {
      const { fanOutSize, fanOutSeconds } = app.#box.local;
      const { layer } = app.#box;
      return {
        fanOutSize: fanOutSize.buckets,
        fanOutSeconds: fanOutSeconds.buckets,
        loopDelay: app.#loopDelay.buckets,
        layer,
      };
    };
    reach = (app, probe) => {
      if (app.#routes.isInUse && probe.clock !== undefined) {
        throw new RouteError(
          'CHANNELBOX_APP_IN_USE',
          'the app has had its first connection; put it under test before anyone connects to it',
        );
      }
      app.#connections.probe = probe;
      if (probe.logger !== undefined) app.#logger = probe.logger;
      if (probe.clock !== undefined) app.#box.scheduler.useClock(probe.clock);
      if (probe.loop !== undefined) app.#box.scheduler.turn.useLoop(probe.loop);
    };
  }
}

/** What `inspect()` does not tell, for `metricsText`. */
interface AppFigures {
  readonly fanOutSize: Buckets;
  readonly fanOutSeconds: Buckets;
  readonly loopDelay: Buckets;
  readonly layer: Pick<ChannelLayer, 'health' | 'metrics'>;
}

/** @internal for `metricsText` alone. */
export function figuresOf(app: App): AppFigures {
  return figures(app);
}

/**
 * What the testing kit, the simulator and the bridge see of a running app, and nothing else.
 * @internal
 * @throws {RouteError} `CHANNELBOX_APP_IN_USE` when it brings a clock after the first connection
 */
export function instrument(app: App, probe: Probe): void {
  reach(app, probe);
}

function closed(what: string): ChannelBoxError {
  return new ChannelBoxError('CHANNELBOX_APP_CLOSED', what);
}
