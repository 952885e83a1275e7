import { LimitError } from './errors.ts';
import type { Limits } from './api.ts';

/** Every default has its one place here; docs/guide.md is checked against it. */
export const defaultLimits: Limits = Object.freeze({
  maxPayloadBytes: 1024 * 1024,
  acceptTimeoutMs: 10_000,
  closeTimeoutMs: 2_000,
  heartbeatMs: 25_000,
  heartbeatTimeoutMs: 10_000,
  inboundQueue: 64,
  maxBufferedBytes: 1024 * 1024,
  slowConsumer: 'close',
  maxConnections: Infinity,
  groupsPerChannel: 128,
  groupNameBytes: 255,
});

const ofTheApp: readonly string[] = ['maxConnections', 'groupsPerChannel', 'groupNameBytes'];

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
    else if (typeof value !== 'number' || !(value > 0)) {
      throw new LimitError(
        'CHANNELBOX_LIMITS',
        `${name} is ${String(value)}; allowed is a number above 0, or Infinity`,
      );
    }
  }
}

function checkSlowConsumer(value: unknown): void {
  if (value === 'close' || value === 'drop') return;
  throw new LimitError('CHANNELBOX_LIMITS', `slowConsumer is ${String(value)}; allowed are 'close' and 'drop'`);
}
