import type { Box } from '../channel/box.ts';
import { RouteError, type FrameError } from '../errors.ts';
import type {
  Awaitable,
  Channel,
  Delivery,
  GroupSendOptions,
  Handler,
  HistoryPage,
  JoinResult,
  LeaveResult,
  Logger,
  Member,
  Middleware,
  Params,
  PayloadType,
  ResumeOptions,
  RouteLimits,
  Serve,
  SendOutcome,
  WebSocket,
  WhenEnded,
} from '../api.ts';
import type { ParamsOf } from '../route/pattern.ts';
import { described } from '../route/callable.ts';
import { WebsocketRoutes } from '../route/route.ts';
import type { BytesLike } from '../protocol/bytes.ts';
import { invalidCode } from '../protocol/close-code.ts';
import type { ServerWebSocket } from '../socket/websocket.ts';
import type { StandardSchemaV1 } from './schema.ts';
import { ConsumerRun, RunInContext, type Hooks } from './consumer-run.ts';

const hourSeconds = 3600;

let bindSocket: (consumer: WebSocketConsumer<never, never>, ws: WebSocket) => void;

/**
 * What one kind of connection does, as a class; an instance serves one connection (Nexios: consumers.py).
 * A subclass overrides the hooks and is added with `app.addWsRoute(Chat.asRoute('/chat'))`.
 */
export class WebSocketConsumer<In = unknown, P = Params> {
  /** Inside the app's and the routers'; the first is the outermost. */
  // oxlint-disable-next-line no-explicit-any -- a static member does not know the class's parameters
  static readonly middleware: readonly Middleware<any>[] = [];
  /** In place of the app's, for this route's connections. */
  static readonly limits: Readonly<Partial<RouteLimits>> = {};

  /** What frames carry; null: `onReceive` gets `string | Uint8Array` as it came, and JSON goes out. */
  readonly encoding: PayloadType | null = null;
  /** Checks, and may change, what a frame carried, before `onReceive` gets it. */
  // oxlint-disable-next-line no-explicit-any -- what a schema takes in is no concern of ours
  readonly schema: StandardSchemaV1<any, In> | undefined = undefined;
  /** Seconds without a data frame; null: never. */
  readonly expires: number | null = hourSeconds;
  #ws: WebSocket<P> | undefined = undefined;

  /** The class as a route; each connection gets an instance of its own, made with these arguments. */
  static asRoute<const Path extends string, A extends unknown[], P>(
    this: new (...args: A) => { readonly websocket: WebSocket<P> },
    path: Path & (ParamsOf<Path> extends P ? unknown : never),
    ...constructorArgs: A
  ): WebsocketRoutes {
    const { middleware, limits } = this as unknown as typeof WebSocketConsumer;
    const begin = (Run: typeof ConsumerRun, ws: WebSocket, whenEnded: WhenEnded): void => {
      const made = new this(...constructorArgs) as unknown as WebSocketConsumer<never, never>;
      bindSocket(made, ws);
      new Run(made as unknown as Hooks, ws as ServerWebSocket, whenEnded).begin();
    };
    const serve: Serve = (ws, _params, whenEnded) => begin(ConsumerRun, ws, whenEnded);
    const handler: Handler = (ws) =>
      new Promise<void>((resolve, reject) => {
        begin(RunInContext, ws, (_ws, failure) => (failure === undefined ? resolve() : reject(failure.error as Error)));
      });
    return new WebsocketRoutes<string>(path, handler, { middleware, limits }, serve);
  }

  static {
    bindSocket = (made, ws) => {
      made.#ws = ws as WebSocket<never>;
    };
  }

  get websocket(): WebSocket<P> {
    return this.#ws as WebSocket<P>;
  }

  get channel(): Channel {
    return this.websocket.channel;
  }

  get logger(): Logger {
    return this.websocket.app.logger;
  }

  /** Accepts; one that returns without answering denies with 403. */
  onConnect(ws: WebSocket<P>): Awaitable<unknown> {
    return ws.accept();
  }

  /** For every frame, one at a time, in order; does nothing unless overridden. */
  onReceive(_ws: WebSocket<P>, _data: In): Awaitable<unknown> {
    return undefined;
  }

  /** Closes with 1003 for a wrong frame type, with 1007 for what cannot be read or is refused. */
  onInvalid(ws: WebSocket<P>, error: FrameError): Awaitable<unknown> {
    return ws.close(invalidCode(error));
  }

  /** The channel has left all its groups by now; sending to them reaches those who stay. */
  onDisconnect(_ws: WebSocket<P>, _code: number, _reason: string): Awaitable<unknown> {
    return undefined;
  }

  /** Makes this connection's channel a member of a group. */
  joinGroup(group = 'default'): Promise<JoinResult> {
    return this.websocket.join(group);
  }

  /** Joins a group and reads its history since a position in one step. */
  resumeGroup(group: string, options?: ResumeOptions): Promise<HistoryPage> {
    return this.websocket.resume(group, options);
  }

  /** Takes this connection's channel out of a group. */
  leaveGroup(group = 'default'): Promise<LeaveResult> {
    return this.websocket.leave(group);
  }

  /** The members of a group. */
  group(group = 'default'): Promise<Member[]> {
    return boxOf(this).members(group, this.channel);
  }

  /** To all members of the group, this one included unless it is excepted. */
  broadcast(payload: unknown, group = 'default', options?: GroupSendOptions): Promise<Delivery> {
    return boxOf(this).groupSend(group, payload, options, this.channel);
  }

  /** To any live channel, grouped or not, on any node. */
  sendTo(channelId: string, payload: unknown): Promise<SendOutcome> {
    return boxOf(this).sendTo(channelId, payload, this.channel);
  }

  /** To this connection, as its encoding has it. */
  send(payload: unknown): Promise<SendOutcome> {
    return this.channel.send(payload);
  }

  /** Sends a text frame to this connection. */
  sendText(text: string): Promise<SendOutcome> {
    return this.websocket.sendText(text);
  }

  /** Sends a binary frame to this connection. */
  sendBytes(bytes: BytesLike): Promise<SendOutcome> {
    return this.websocket.sendBytes(bytes);
  }

  /** Sends JSON to this connection, whatever its encoding. */
  sendJson(value: unknown, mode?: 'text' | 'binary'): Promise<SendOutcome> {
    return this.websocket.sendJson(value, mode);
  }

  /** Ends this connection; see `ws.close`. */
  close(code?: number, reason?: string): Promise<void> {
    return this.websocket.close(code, reason);
  }
}

/** A consumer written as an object: what it declares, and the hooks of one connection. */
export interface ConsumerHooks<In, P> {
  /** Not a class: that one is given with its constructor's arguments. */
  prototype?: never;
  encoding?: PayloadType;
  // oxlint-disable-next-line no-explicit-any -- the same
  schema?: StandardSchemaV1<any, In>;
  /** Seconds without a data frame, 3600; null: never. */
  expires?: number | null;
  middleware?: readonly Middleware<P>[];
  /** In place of the app's, for this route's connections. */
  limits?: Partial<RouteLimits>;
  /** Once, before anything else; default: accepts. */
  onConnect?(this: WebSocketConsumer<In, P>, ws: WebSocket<P>): Awaitable<unknown>;
  /** For every frame, one at a time, in order. */
  onReceive?(this: WebSocketConsumer<In, P>, ws: WebSocket<P>, data: In): Awaitable<unknown>;
  /** For a frame that cannot be read or is refused by the schema; default: closes with 1003 or 1007. */
  onInvalid?(this: WebSocketConsumer<In, P>, ws: WebSocket<P>, error: FrameError): Awaitable<unknown>;
  /** Once for each accepted socket, after its channel has left its groups. */
  onDisconnect?(this: WebSocketConsumer<In, P>, ws: WebSocket<P>, code: number, reason: string): Awaitable<unknown>;
}

/** Calls of a consumer are its connection's. */
function boxOf(consumer: { readonly websocket: unknown }): Box {
  return (consumer.websocket as ServerWebSocket).host.box;
}

const hookNames = ['onConnect', 'onReceive', 'onInvalid', 'onDisconnect'] as const;

/** The object form: path parameters and message type are inferred; `this` is the consumer of one connection. */
export function consumer<const Path extends string, In = unknown>(
  path: Path,
  hooks: ConsumerHooks<In, ParamsOf<Path>>,
): WebsocketRoutes {
  class ObjectConsumer extends WebSocketConsumer<In, ParamsOf<Path>> {
    static override readonly middleware = hooks.middleware ?? [];
    static override readonly limits = hooks.limits ?? {};
    override readonly encoding = hooks.encoding ?? null;
    override readonly schema = hooks.schema;
    override readonly expires = hooks.expires === undefined ? hourSeconds : hooks.expires;
  }
  for (const name of hookNames) {
    if (hooks[name] !== undefined) Object.defineProperty(ObjectConsumer.prototype, name, { value: hooks[name] });
  }
  return (ObjectConsumer as unknown as typeof WebSocketConsumer<unknown, Params>).asRoute<string, [], Params>(path);
}

/** What a class is given as where its route knows a path: it makes consumers whose sockets have these parameters. */
export type ConsumerClass<A extends unknown[], P> = new (...args: A) => { readonly websocket: WebSocket<P> };

/**
 * The route of what `app.consumer` and `router.consumer` are given: hooks, or a class and its constructor's arguments.
 * @throws {RouteError} `CHANNELBOX_BAD_HANDLER` for what is neither, and what `WebsocketRoutes` throws
 */
export function consumerRoute([path, given, ...constructorArgs]: readonly unknown[]): WebsocketRoutes {
  if (typeof given === 'function' && given.prototype instanceof WebSocketConsumer) {
    const type = given as ConsumerClass<unknown[], Params>;
    return WebSocketConsumer.asRoute.call<ConsumerClass<unknown[], Params>, [string, ...unknown[]], WebsocketRoutes>(
      type,
      path as string,
      ...constructorArgs,
    );
  }
  if (typeof given === 'object' && given !== null && !(given instanceof WebSocketConsumer)) {
    return consumer<string>(path as string, given as ConsumerHooks<unknown, Params>);
  }
  throw new RouteError(
    'CHANNELBOX_BAD_HANDLER',
    `a consumer is an object of hooks, { onConnect(ws) { … } }, or a class that extends WebSocketConsumer, got ${described(given)}`,
  );
}
