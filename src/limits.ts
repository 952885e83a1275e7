/** Limits are those of a route, or of an app, over what they inherit. */
import { LimitError } from './errors.ts';
import type { Limits } from './api.ts';

/** Every default has its one place here; docs/guide.md is checked against it. */
export const defaultLimits: Limits = Object.freeze({
  maxPayloadBytes: 1024 * 1024,
  inboundBytes: 2 * 1024 * 1024,
  messageTimeoutMs: 30_000,
  maxFragments: 16_384,
  controlFramesPerSecond: 100,
  acceptTimeoutMs: 10_000,
  closeTimeoutMs: 2_000,
  heartbeatMs: 25_000,
  heartbeatTimeoutMs: 10_000,
  inboundQueue: 64,
  maxBufferedBytes: 1024 * 1024,
  slowConsumer: 'close',
  maxConnections: Infinity,
  connectionsPerAddress: Infinity,
  handshakeTimeoutMs: 10_000,
  groupsPerChannel: 128,
  groupNameBytes: 255,
});

const ofTheApp: readonly string[] = [
  'maxConnections',
  'connectionsPerAddress',
  'handshakeTimeoutMs',
  'groupsPerChannel',
  'groupNameBytes',
];
/** Of a whole something there is no half. */
const mayBeBroken = /Ms$|PerSecond$/;
/** What a length in memory can be; more would be taken for no limit at all. */
const bytesMost = 2 ** 31 - 1;

/** Those of a route, or of an app, over what they inherit. Where only the payload is bounded anew, what may wait follows it. */
export function resolveLimits(inherited: Limits, given: Partial<Limits>): Limits {
  const limits = { ...inherited, ...given };
  if (given.inboundBytes !== undefined || given.maxPayloadBytes === undefined) return limits;
  const followed = inherited.inboundBytes === 2 * inherited.maxPayloadBytes;
  return followed ? { ...limits, inboundBytes: 2 * limits.maxPayloadBytes } : limits;
}

/**
 * @param where `app` or `route`; a route overrides no limit that spans connections
 * @throws {LimitError} `CHANNELBOX_LIMITS` for a name that is none, a value that is none, or one that a route may not set
 */
export function checkLimits(limits: Partial<Limits>, where: 'app' | 'route'): void {
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (!Object.hasOwn(defaultLimits, name)) {
      throw new LimitError(
        'CHANNELBOX_LIMITS',
        `there is no limit ${name}; there are ${Object.keys(defaultLimits).join(', ')}`,
      );
    }
    if (where === 'route' && ofTheApp.includes(name)) {
      throw new LimitError('CHANNELBOX_LIMITS', `${name} holds for the whole app; set it in new App({ limits })`);
    }
    if (name === 'slowConsumer') checkSlowConsumer(value);
    else checkNumber(name, value);
  }
}

function checkNumber(name: string, value: unknown): void {
  const isWhole = mayBeBroken.test(name) || Number.isInteger(value);
  const isBounded = typeof value === 'number' && value > 0 && (isWhole || value === Infinity);
  if (isBounded && (value === Infinity || !name.endsWith('Bytes') || value <= bytesMost)) return;
  const kind = mayBeBroken.test(name) ? 'a number above 0' : 'a whole number above 0';
  const most = name.endsWith('Bytes') ? ` up to ${bytesMost}` : '';
  throw new LimitError('CHANNELBOX_LIMITS', `${name} is ${String(value)}; allowed is ${kind}${most}, or Infinity`);
}

function checkSlowConsumer(value: unknown): void {
  if (value === 'close' || value === 'drop') return;
  throw new LimitError('CHANNELBOX_LIMITS', `slowConsumer is ${String(value)}; allowed are 'close' and 'drop'`);
}
