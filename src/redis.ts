/** @module channelbox/redis: groups across processes and machines, over a Redis or Valkey. */
import { loadRedis } from './layer/redis/broker/client-port.ts';
import { RedisBroker } from './layer/redis/broker/redis-broker.ts';
import { settingsOf, type RedisLayerOptions } from './layer/redis/connection/options.ts';
import { BrokeredLayer, type RedisLayer } from './layer/redis/redis-layer.ts';

export type { RedisHealth, RedisMetrics } from './layer/redis/connection/health.ts';
export type { RedisLayerOptions } from './layer/redis/connection/options.ts';
export type { RedisLayer } from './layer/redis/redis-layer.ts';

/**
 * The one line that switches it on: `new ChannelBox({ layer: redisLayer({ url }) })`. One layer serves one box.
 * @throws {LayerError} `CHANNELBOX_REDIS_OPTIONS`: which option, what came, what is allowed; `CHANNELBOX_NO_PEER` where
 *   `@redis/client` is not installed
 */
export function redisLayer(options: RedisLayerOptions = {}): RedisLayer {
  const settings = settingsOf(options);
  return new BrokeredLayer(new RedisBroker(loadRedis(), settings), settings);
}

/**
 * LayerError codes. `delivered` on the error is 'not-sent' or 'unknown' for a publish; `partial` and `missing` for orders.
 *
 * CHANNELBOX_LAYER_DOWN       no connection; not sent
 * CHANNELBOX_LAYER_HELD       `holdBytesMax` reached; not sent
 * CHANNELBOX_LAYER_REFUSED    Redis said no (OOM READONLY NOPERM NOAUTH LOADING MISCONF WRONGTYPE CLUSTERDOWN …), `cause` is its reply; not sent
 * CHANNELBOX_LAYER_UNKNOWN    the connection or the server went while it was under way; unknown
 * CHANNELBOX_LAYER_DEADLINE   no answer within deadlineMs; publish: unknown; orders: `partial` and `missing`
 * CHANNELBOX_LAYER_GAP        reported, never thrown: group, from, to, saved or not
 * CHANNELBOX_LAYER_MALFORMED  reported, at most once a minute a channel
 * CHANNELBOX_LAYER_CLOSED     after close()
 * CHANNELBOX_REDIS_OPTIONS    wrong use, thrown by redisLayer(): which option, what came, what is allowed
 * CHANNELBOX_NO_PEER          @redis/client is not installed
 */
export type RedisLayerErrorCode =
  | 'CHANNELBOX_LAYER_DOWN'
  | 'CHANNELBOX_LAYER_HELD'
  | 'CHANNELBOX_LAYER_REFUSED'
  | 'CHANNELBOX_LAYER_UNKNOWN'
  | 'CHANNELBOX_LAYER_DEADLINE'
  | 'CHANNELBOX_LAYER_GAP'
  | 'CHANNELBOX_LAYER_MALFORMED'
  | 'CHANNELBOX_LAYER_CLOSED'
  | 'CHANNELBOX_REDIS_OPTIONS'
  | 'CHANNELBOX_NO_PEER';
