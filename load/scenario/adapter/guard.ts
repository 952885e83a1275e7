import { ChannelBoxError } from '../../../src/index.ts';
import { LoadError, ScenarioError } from '../../load-error.ts';
import { describeThrown } from '../../thrown.ts';
import type { Adapter, ClientPlace } from './adapter.ts';

type FrameData = string | Uint8Array;

/**
 * The same adapter, whose answers are looked at: a promise is never mistaken for an answer, and what is no path, header or
 * frame is refused with the name of the function that gave it. `isJoined`, `stampOf`, `reply` and `kindOf` may throw at a
 * frame they cannot read, which is for the receiver to count; what the others throw ends the run, by name.
 */
export function guarded(adapter: Adapter): Adapter {
  const known = guards.get(adapter);
  if (known !== undefined) return known;
  const guard = guardOf(adapter);
  guards.set(adapter, guard);
  return guard;
}

/** One for each adapter, so that plans of the same scenario are equal. */
const guards: WeakMap<Adapter, Adapter> = new WeakMap();

function guardOf(adapter: Adapter): Adapter {
  const { reach, echoes, subprotocols } = adapter;
  return {
    path: (client) => textOf('adapter.path', () => adapter.path(client)),
    publish: (stamp, payload, client) => frameOf('adapter.publish', () => adapter.publish(stamp, payload, client)),
    stampOf: (frame) => atOnce('adapter.stampOf', adapter.stampOf(frame)),
    ...(subprotocols === undefined
      ? {}
      : { subprotocols: typeof subprotocols === 'function' ? protocolsOf(adapter, subprotocols) : subprotocols }),
    ...(adapter.headers === undefined ? {} : { headers: (client) => headersOf(adapter, client) }),
    ...(adapter.join === undefined ? {} : { join: (client) => framesOf('adapter.join', () => adapter.join?.(client)) }),
    ...(adapter.isJoined === undefined
      ? {}
      : { isJoined: (frame, client) => atOnce('adapter.isJoined', adapter.isJoined?.(frame, client)) === true }),
    ...(adapter.reply === undefined
      ? {}
      : { reply: (frame, client) => atOnce('adapter.reply', adapter.reply?.(frame, client)) }),
    ...(adapter.kindOf === undefined
      ? {}
      : { kindOf: (frame) => String(atOnce('adapter.kindOf', adapter.kindOf?.(frame))) }),
    ...(adapter.resume === undefined ? {} : { resume: (client, last) => resumeOf(adapter, client, last) }),
    ...(reach === undefined ? {} : { reach }),
    ...(echoes === undefined ? {} : { echoes }),
  };
}

/**
 * What a function of the scenario gave, which has to be there at once.
 * @throws {ScenarioError} with the function's name where a promise came. Its rejection is taken care of.
 */
export function atOnce<T>(name: string, value: T): T {
  if (typeof value !== 'object' || value === null || !isThenable(value)) return value;
  Promise.resolve(value).catch(() => undefined);
  throw new ScenarioError(
    name,
    'a promise came, and an answer is due at once; do what takes time in prepare(client), and read it from client.prepared',
  );
}

/** Calls a function of the scenario; what it throws ends the run with its name. */
export function called<T>(name: string, call: () => T): T {
  let value: T;
  try {
    value = call();
  } catch (error) {
    // One of ours says what is wrong, and what helps, by itself: no faker, say.
    if (error instanceof ChannelBoxError) throw error;
    throw new LoadError('CHANNELBOX_LOAD_FAILED', `${name} threw: ${describeThrown(error)}`, { cause: error });
  }
  return atOnce(name, value);
}

function isThenable(value: object): boolean {
  return 'then' in value && typeof value.then === 'function';
}

function textOf(name: string, call: () => unknown): string {
  const value = called(name, call);
  if (typeof value === 'string') return value;
  throw new ScenarioError(name, `${kindOf(value)} came; a string is due`);
}

function frameOf(name: string, call: () => unknown): FrameData {
  const value = called(name, call);
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw new ScenarioError(name, `${kindOf(value)} came; a string or bytes are due`);
}

function framesOf(name: string, call: () => unknown): readonly FrameData[] {
  const value = called(name, call);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new ScenarioError(name, `${kindOf(value)} came; a list of frames is due`);
  return value.map((frame) => frameOf(name, () => frame as unknown));
}

function headersOf(adapter: Adapter, client: ClientPlace): Readonly<Record<string, string>> {
  const value: unknown = called('adapter.headers', () => adapter.headers?.(client));
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, text] of Object.entries(value)) textOf(`adapter.headers.${name}`, () => text as unknown);
    return value as Readonly<Record<string, string>>;
  }
  throw new ScenarioError('adapter.headers', `${kindOf(value)} came; an object of texts is due`);
}

function protocolsOf(
  adapter: Adapter,
  ask: (client: ClientPlace) => readonly string[],
): (client: ClientPlace) => readonly string[] {
  return (client) => {
    const value: unknown = called('adapter.subprotocols', () => ask.call(adapter, client));
    if (value === undefined) return [];
    if (!Array.isArray(value))
      throw new ScenarioError('adapter.subprotocols', `${kindOf(value)} came; a list of names is due`);
    return value.map((name) => textOf('adapter.subprotocols', () => name as unknown));
  };
}

function resumeOf(
  adapter: Adapter,
  client: ClientPlace,
  last: FrameData | undefined,
): { path?: string; frames?: readonly FrameData[] } {
  const value = called('adapter.resume', () => adapter.resume?.(client, last)) ?? {};
  const { path, frames } = value;
  return {
    ...(path === undefined ? {} : { path: textOf('adapter.resume.path', () => path) }),
    ...(frames === undefined ? {} : { frames: framesOf('adapter.resume.frames', () => frames) }),
  };
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}
