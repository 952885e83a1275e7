import { LayerError } from '../../../errors.ts';
import { addressOf, type BrokerAddress } from '../broker/address.ts';
/* oxlint-disable-next-line typescript/ban-ts-comment -- whoever lacks the optional peer gets any */
/** @ts-ignore for who lacks an optional peer */
import type { RedisClientOptions, RedisSentinelOptions } from '@redis/client';

/**
 * These options say how to reach Redis, and how long and how much the layer may wait. Times are milliseconds, sizes
 * bytes.
 */
export interface RedisLayerOptions {
  /**
   * `redis[s]://[user:password@]host:port[/db]` or `unix:/path/to/socket`; default `$REDIS_URL`, else
   * redis://127.0.0.1:6379. It is shown in no message and no log.
   */
  url?: string | undefined;
  /**
   * Handed to every connection (TLS, ACL user, socket). What the layer needs itself (offline queue, reconnecting, RESP)
   * is refused: CHANNELBOX_REDIS_OPTIONS.
   */
  client?: Omit<RedisClientOptions, 'url' | 'disableOfflineQueue' | 'RESP' | 'modules' | 'functions' | 'scripts'>;
  /** Instead of `url`: the master is asked for anew at every reconnect. */
  sentinel?: RedisSentinelOptions;
  /** Before every key and channel. Apps that share a Redis need one each. Default 'channelbox'; 1–64 of [A-Za-z0-9_.-]. */
  prefix?: string;
  /** Every call settles within it, and an order to other nodes too. Default 5 000; 100–60 000. */
  deadlineMs?: number;
  /** One attempt to connect. Default 2 000. */
  connectTimeoutMs?: number;
  /**
   * A publish or join that finds no connection waits so long for one before it is refused as not sent; order is kept.
   * Default 1 000; 0: at once.
   */
  holdMs?: number;
  /** At most so many bytes wait meanwhile; more are refused as not sent. Default 1 MiB. */
  holdBytesMax?: number;
  /** `degraded`: the app starts without Redis, `health()` is down. `fail`: `App.listen` rejects after `deadlineMs`. Default 'fail'. */
  start?: 'fail' | 'degraded';
  /** A node whose lease is not renewed is no member of anything any more. Default 15 000; at least 3 × `leaseRenewMs`. */
  leaseMs?: number;
  /** How often the lease is renewed, and probed that the subscribe connection hears what is published. Default 5 000. */
  leaseRenewMs?: number;
  /** How often each subscribed group is compared with Redis, so that a lost last message shows. Default 30 000; 0: never. */
  verifyMs?: number;
  /**
   * Messages of one node that wait for a gap to be filled; beyond it the saved are read again, the others reported lost.
   * Default 8 MiB.
   */
  recoverBytesMax?: number;
  /** Longest payload. Default 1 MiB; CHANNELBOX_MESSAGE_TOO_LARGE. */
  payloadBytesMax?: number;
  /**
   * A restart or failover of Redis begins new epochs. `true` keeps them: only for one server with AOF and `appendfsync always`;
   * anything else then loses messages in silence. Default false.
   */
  trustPersistence?: boolean;
  /** With the backplane down: reach this node's members all the same. Their frames carry no position. Default false. */
  localFallback?: boolean;
}

/** The options, checked, with what was left out. */
export interface LayerSettings {
  readonly address: BrokerAddress;
  readonly client: Readonly<Record<string, unknown>>;
  readonly prefix: string;
  readonly deadlineMs: number;
  readonly connectTimeoutMs: number;
  readonly holdMs: number;
  readonly holdBytesMax: number;
  readonly start: 'fail' | 'degraded';
  readonly leaseMs: number;
  readonly leaseRenewMs: number;
  readonly verifyMs: number;
  readonly recoverBytesMax: number;
  readonly payloadBytesMax: number;
  readonly trustPersistence: boolean;
  readonly localFallback: boolean;
}

const mebibyte = 1024 * 1024;
const names = new Set([
  'url',
  'client',
  'sentinel',
  'prefix',
  'deadlineMs',
  'connectTimeoutMs',
  'holdMs',
  'holdBytesMax',
  'start',
  'leaseMs',
  'leaseRenewMs',
  'verifyMs',
  'recoverBytesMax',
  'payloadBytesMax',
  'trustPersistence',
  'localFallback',
]);
/** Of the client: what would resend, queue or answer behind the layer's back. */
const ownOfLayer = [
  'url',
  'disableOfflineQueue',
  'RESP',
  'modules',
  'functions',
  'scripts',
  'readonly',
  'keyPrefix',
  'commandOptions',
  'clientSideCache',
  'commandsQueueMaxLength',
] as const;

/** @throws {LayerError} `CHANNELBOX_REDIS_OPTIONS`: which option, what came, what is allowed */
export function settingsOf(options: RedisLayerOptions): LayerSettings {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) refuse(name, 'is no option of redisLayer', `one of ${[...names].join(', ')}`);
  }
  const { prefix = 'channelbox', start = 'fail' } = options;
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(prefix)) {
    refuse('prefix', `is ${JSON.stringify(prefix)}`, '1 to 64 of A–Z a–z 0–9 _ . -');
  }
  if (start !== 'fail' && start !== 'degraded') refuse('start', `is ${String(start)}`, "'fail' or 'degraded'");
  const leaseRenewMs = numeric('leaseRenewMs', options.leaseRenewMs ?? 5_000, 10, 600_000);
  const leaseMs = numeric('leaseMs', options.leaseMs ?? Math.max(15_000, 3 * leaseRenewMs), 30, 3_600_000);
  if (leaseMs < 3 * leaseRenewMs) {
    refuse('leaseMs', `is ${leaseMs}`, `at least 3 × leaseRenewMs, ${3 * leaseRenewMs}`);
  }
  return {
    address: addressOf(options, refuse),
    client: clientOf(options.client ?? {}),
    prefix,
    start,
    leaseMs,
    leaseRenewMs,
    deadlineMs: numeric('deadlineMs', options.deadlineMs ?? 5_000, 100, 60_000),
    connectTimeoutMs: numeric('connectTimeoutMs', options.connectTimeoutMs ?? 2_000, 10, 60_000),
    holdMs: numeric('holdMs', options.holdMs ?? 1_000, 0, 60_000),
    holdBytesMax: numeric('holdBytesMax', options.holdBytesMax ?? mebibyte, 0, Number.MAX_SAFE_INTEGER),
    verifyMs: numeric('verifyMs', options.verifyMs ?? 30_000, 0, 3_600_000),
    recoverBytesMax: numeric('recoverBytesMax', options.recoverBytesMax ?? 8 * mebibyte, 0, Number.MAX_SAFE_INTEGER),
    payloadBytesMax: numeric('payloadBytesMax', options.payloadBytesMax ?? mebibyte, 1, 512 * mebibyte),
    trustPersistence: flag('trustPersistence', options.trustPersistence),
    localFallback: flag('localFallback', options.localFallback),
  };
}

function clientOf(client: object): Readonly<Record<string, unknown>> {
  const given = client as Record<string, unknown>;
  for (const name of ownOfLayer) {
    if (given[name] !== undefined) refuse(`client.${name}`, 'was given', 'nothing: the layer sets it itself');
  }
  const socket = given['socket'] as Record<string, unknown> | undefined;
  for (const name of ['reconnectStrategy', 'connectTimeout']) {
    if (socket?.[name] !== undefined) {
      refuse(`client.socket.${name}`, 'was given', 'nothing: the layer reconnects itself, see connectTimeoutMs');
    }
  }
  return given;
}

function numeric(name: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  return refuse(name, `is ${String(value)}`, `a number from ${min} to ${max}`);
}

function flag(name: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  return refuse(name, `is ${typeof value}`, 'true or false');
}

function refuse(name: string, came: string, allowed: string): never {
  throw new LayerError('CHANNELBOX_REDIS_OPTIONS', `${name} ${came}; allowed is ${allowed}`);
}
