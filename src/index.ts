/** @module channelbox: These are the public names, and no logic. */
export { App, instrument } from './app.ts';
export type { AppOptions } from './app-options.ts';
export type { DrainOptions, DrainReport } from './drain.ts';
export type { ChannelBoxOptions } from './channel/bounds.ts';
export { ChannelBox } from './channel/box.ts';
export { Channel } from './channel/channel.ts';
export { SystemClock, type Clock, type Timer } from './time/clock.ts';
export { consumer, WebSocketConsumer, type ConsumerHooks } from './consumer/consumer.ts';
export type { StandardSchemaV1 } from './consumer/schema.ts';
export {
  BoxError,
  ChannelBoxError,
  FrameError,
  HandshakeError,
  LayerError,
  LimitError,
  RouteError,
  WebSocketDisconnect,
} from './errors.ts';
export type {
  AppSnapshot,
  AppView,
  Awaitable,
  ChannelOptions,
  CloseOptions,
  Delivery,
  GroupSendOptions,
  Handler,
  HeadersLike,
  HistoryEntry,
  HistoryPage,
  JoinResult,
  LeaveResult,
  Limits,
  Logger,
  Member,
  Message,
  Middleware,
  Params,
  PayloadType,
  Position,
  ReceiveOptions,
  ResumeOptions,
  RouteLimits,
  Scope,
  SendOutcome,
  State,
  WebSocket,
  WebSocket as ServerWebSocket,
} from './api.ts';
export type {
  ChannelLayer,
  CloseTarget,
  Counts,
  Entry as LayerEntry,
  EntryPage,
  GroupMessage,
  HistoryBounds,
  HistoryQuery,
  LayerContext,
  LayerHealth,
  LocalNode,
  Payload,
  Published,
  Missed,
} from './layer/layer.ts';
export { metricsText } from './metrics.ts';
export { rateLimit, type RateLimitOptions } from './middleware/rate-limit.ts';
export { PayloadTypeEnum, status, WebSocketController, WebSocketEndpoint } from './nexios.ts';
export type { Denial, ErrorContext, Probe, ProbedConnection } from './probe.ts';
export type { Counters, RefusalReason } from './protocol/counters.ts';
export type { Converters, ParamsOf } from './route/pattern.ts';
export { WebsocketRoutes, type RouteOptions } from './route/route.ts';
export { WSRouter, type AnyRouter } from './router/router.ts';
export type { BytesLike } from './protocol/bytes.ts';
export { Frame } from './protocol/frame.ts';
export type { Upgrade, UpgradeAnswer, Wire, WireEvents } from './transport/transport.ts';
