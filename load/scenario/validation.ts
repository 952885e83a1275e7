import type { KnownChaos } from './chaos.ts';
import { durationMs, parseDuration, type Duration } from '../../src/internal.ts';
import { nearest } from './nearest.ts';
import { peakOf, plannedMs } from './resolved.ts';
import { ScenarioError } from '../load-error.ts';
import { masked, schemeProblem } from '../address.ts';
import { adapterNames } from './adapter/known.ts';
import type { Scenario } from './scenario.ts';
import { metricNames, parseThreshold } from './threshold.ts';

type Check = (value: unknown, path: string) => void;

/**
 * A scenario is checked in every key, before anybody connects.
 * @throws {ScenarioError} with the path of the first key that is wrong, and the nearest right name for one that does
 * not exist
 */
export function validateScenario(scenario: unknown): Scenario {
  if (typeof scenario !== 'object' || scenario === null || Array.isArray(scenario)) {
    throw new ScenarioError(
      '',
      `a scenario is an object, ${show(scenario)} is not; export default defineLoad({ clients: 10, … })`,
    );
  }
  fields(scenario, '', scenarioKeys, ['clients']);
  const checked = scenario as Scenario;
  checkTogether(checked);
  return checked;
}

const clientsMax = 2 ** 24 - 1;

const count: Check = (value, path) => {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > clientsMax) {
    throw new ScenarioError(path, `${show(value)} came; a whole number from 1 to ${clientsMax} is due`);
  }
};
const countOrNone: Check = (value, path) => {
  if (value !== 0) count(value, path);
};
const duration: Check = (value, path) => {
  if (parseDuration(value) === undefined)
    throw new ScenarioError(path, `${show(value)} is no duration: write 250, '250ms', '10s', '5m' or '1h'`);
};
const someDuration: Check = (value, path) => {
  duration(value, path);
  if (durationMs(value as Duration) <= 0)
    throw new ScenarioError(path, `${show(value)} came; a duration above 0 is due`);
};
const positive: Check = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw new ScenarioError(path, `${show(value)} came; a number above 0 is due`);
};
const share: Check = (value, path) => {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1))
    throw new ScenarioError(path, `${show(value)} came; a share from 0 to 1 is due`);
};
const text: Check = (value, path) => {
  if (typeof value !== 'string') throw new ScenarioError(path, `${show(value)} came; a string is due`);
};
const callable: Check = (value, path) => {
  if (typeof value !== 'function') throw new ScenarioError(path, `${show(value)} came; a function is due`);
};

const stageKinds: Kinds = {
  rampTo: { clients: countOrNone, over: duration },
  hold: { lasts: duration },
  spike: { clients: count, lasts: duration },
  churn: { perSecond: positive, lasts: duration },
};
const roomKinds: Kinds = {
  uniform: { rooms: count },
  zipf: { rooms: count, exponent: positive },
  oneRoom: { name: text },
  explicit: { sizes: sizesOfRooms },
};
const scheduleKinds: Kinds = {
  constant: { perSecond: positive },
  poisson: { perSecond: positive },
  burst: { messages: count, every: someDuration },
};
const chaosKinds: Kinds = {
  slowReaders: { share, from: duration, lasts: duration },
  vanish: { share, at: duration },
  reconnectStorm: { share, at: duration, backoff: someDuration },
};
const adapterKeys: Readonly<Record<string, Check>> = {
  path: callable,
  subprotocols: (value, path) => {
    if (typeof value !== 'function') listOf(text)(value, path);
  },
  headers: callable,
  join: callable,
  isJoined: callable,
  publish: callable,
  stampOf: callable,
  reply: callable,
  reach: oneOf(['room', 'sender']),
  echoes: oneOf([true, false]),
  kindOf: callable,
  resume: callable,
};
const tlsKeys: Readonly<Record<string, Check>> = {
  ca: text,
  cert: text,
  key: text,
  servername: text,
  insecure: oneOf([true, false]),
};
const reconnectsKeys: Readonly<Record<string, Check>> = { backoff: duration, jitter: share, attempts: count };

const scenarioKeys: Readonly<Record<string, Check>> = {
  name: text,
  seed: (value, path) => {
    if (!Number.isSafeInteger(value)) throw new ScenarioError(path, `${show(value)} came; a whole number is due`);
  },
  target: (value, path) => {
    if (!Array.isArray(value)) return targetUrl(value, path);
    if (value.length === 0) throw new ScenarioError(path, 'the list is empty; one address at least is due');
    value.forEach((entry, index) => targetUrl(entry, `${path}[${index}]`));
  },
  app: callable,
  clients: (value, path) => {
    if (!Array.isArray(value)) {
      if (typeof value === 'number') return count(value, path);
      throw new ScenarioError(path, `${show(value)} came; a whole number or a list of stages is due`);
    }
    if (value.length === 0)
      throw new ScenarioError(path, "the list is empty; one stage at least is due, such as hold('10s')");
    value.forEach((stage, index) => kindOf(stage, `${path}[${index}]`, 'stage', stageKinds));
  },
  duration: someDuration,
  rooms: (value, path) => kindOf(value, path, 'kind of rooms', roomKinds),
  speakers: (value, path) => {
    if (typeof value !== 'number' || !(value >= 0) || (value > 1 && !Number.isInteger(value))) {
      throw new ScenarioError(path, `${show(value)} came; a share from 0 to 1 or a whole number of clients is due`);
    }
  },
  schedule: (value, path) => kindOf(value, path, 'schedule', scheduleKinds),
  payload: callable,
  adapter: (value, path) => {
    if (typeof value === 'string') return oneOf(adapterNames)(value, path);
    if (typeof value !== 'object' || value === null)
      throw new ScenarioError(
        path,
        `${show(value)} came; an adapter or the name of one is due: ${adapterNames.join(', ')}`,
      );
    fields(value, path, adapterKeys, ['path', 'publish', 'stampOf']);
  },
  tls: (value, path) => objectOf(value, path, tlsKeys),
  compression: oneOf([true, false]),
  connectTimeout: someDuration,
  reconnects: (value, path) => objectOf(value, path, reconnectsKeys, ['backoff']),
  prepare: callable,
  prepareConcurrency: count,
  chaos: (value, path) => {
    if (!Array.isArray(value)) throw new ScenarioError(path, `${show(value)} came; a list is due`);
    value.forEach((chaos, index) => kindOf(chaos, `${path}[${index}]`, 'kind of chaos', chaosKinds));
  },
  thresholds: (value, path) => {
    listOf(text)(value, path);
    (value as string[]).forEach((expression, index) => {
      const threshold = parseThreshold(expression);
      if (!('problem' in threshold)) return;
      const advice = threshold.word === undefined ? '' : didYouMean(threshold.word, metricNames);
      throw new ScenarioError(`${path}[${index}]`, `${threshold.problem}${advice}`);
    });
  },
  warmup: duration,
  deadline: someDuration,
  client: callable,
};

function checkTogether(scenario: Scenario): void {
  const peak = peakOf(scenario.clients);
  if (peak === 0)
    throw new ScenarioError('clients', "no stage brings a client; begin with rampTo(10, '1s') or spike(10, '10s')");
  if (scenario.client !== undefined && scenario.schedule !== undefined) {
    throw new ScenarioError('client', 'stands in place of schedule; give one of the two');
  }
  if (scenario.speakers !== undefined && scenario.speakers > peak) {
    throw new ScenarioError(
      'speakers',
      `${scenario.speakers} of ${peak} clients cannot speak; a share from 0 to 1, or at most ${peak}`,
    );
  }
  if (
    scenario.warmup !== undefined &&
    typeof scenario.clients !== 'number' &&
    durationMs(scenario.warmup) >= plannedMs(scenario)
  ) {
    throw new ScenarioError(
      'warmup',
      `takes all of the ${plannedMs(scenario)} ms of the stages; nothing would be measured`,
    );
  }
  if (
    scenario.warmup !== undefined &&
    typeof scenario.clients === 'number' &&
    durationMs(scenario.warmup) >= plannedMs(scenario)
  ) {
    throw new ScenarioError(
      'warmup',
      `takes all of the ${plannedMs(scenario)} ms of duration; nothing would be measured`,
    );
  }
  for (const [index, chaos] of ((scenario.chaos ?? []) as readonly KnownChaos[]).entries()) {
    const at = chaos.kind === 'slowReaders' ? chaos.from : chaos.at;
    if (at === undefined || durationMs(at) <= plannedMs(scenario)) continue;
    throw new ScenarioError(
      `chaos[${index}].${chaos.kind === 'slowReaders' ? 'from' : 'at'}`,
      `${show(at)} is after the end of the run at ${plannedMs(scenario)} ms`,
    );
  }
}

type Kinds = Readonly<Record<string, Readonly<Record<string, Check>>>>;

/** Optional keys of a kind; the others must be there. */
const optionalKeys: readonly string[] = ['from', 'lasts', 'at', 'backoff'];

function kindOf(value: unknown, path: string, what: string, kinds: Kinds): void {
  if (typeof value !== 'object' || value === null) {
    throw new ScenarioError(path, `${show(value)} came; a ${what} is due, made by ${Object.keys(kinds).join(', ')}`);
  }
  const { kind, ...rest } = value as { kind?: unknown };
  const keys = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (keys === undefined) {
    const advice =
      typeof kind === 'string'
        ? didYouMean(kind, Object.keys(kinds))
        : `; it is made by ${Object.keys(kinds).join(', ')}`;
    throw new ScenarioError(`${path}.kind`, `${show(kind)} is no ${what}${advice}`);
  }
  const isChaos = 'share' in keys;
  fields(
    rest,
    path,
    keys,
    Object.keys(keys).filter((key) => !isChaos || !optionalKeys.includes(key)),
  );
}

function fields(value: object, path: string, keys: Readonly<Record<string, Check>>, required: readonly string[]): void {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  // An adapter may be an instance of a class, whose methods are not its own keys.
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(keys, key)) continue;
    if (path === 'adapter' && Object.getPrototypeOf(value) !== Object.prototype) continue;
    throw new ScenarioError(at(key), `there is no such key${didYouMean(key, Object.keys(keys))}`);
  }
  for (const [key, check] of Object.entries(keys)) {
    const field: unknown = (value as Record<string, unknown>)[key];
    if (field !== undefined) check(field, at(key));
    else if (required.includes(key)) throw new ScenarioError(at(key), 'is missing');
  }
}

function objectOf(
  value: unknown,
  path: string,
  keys: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ScenarioError(path, `${show(value)} came; an object is due, of ${Object.keys(keys).join(', ')}`);
  fields(value, path, keys, required);
}

function targetUrl(value: unknown, path: string): void {
  text(value, path);
  if (!URL.canParse(value as string))
    throw new ScenarioError(path, `${show(masked(value as string))} is no address; write ws://host:port`);
  const problem = schemeProblem(value as string);
  if (problem !== undefined) throw new ScenarioError(path, problem);
}

function sizesOfRooms(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null)
    throw new ScenarioError(path, `${show(value)} came; an object of sizes is due: { lobby: 100 }`);
  if (Object.keys(value).length === 0)
    throw new ScenarioError(path, 'is empty; one room at least is due: { lobby: 100 }');
  for (const [room, size] of Object.entries(value)) count(size, `${path}.${room}`);
}

function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ScenarioError(path, `${show(value)} came; a list is due`);
    value.forEach((entry, index) => check(entry, `${path}[${index}]`));
  };
}

function oneOf(allowed: readonly unknown[]): Check {
  return (value, path) => {
    if (allowed.includes(value)) return;
    const advice =
      typeof value === 'string'
        ? didYouMean(
            value,
            allowed.filter((entry) => typeof entry === 'string'),
          )
        : '';
    throw new ScenarioError(path, `${show(value)} came; ${allowed.map(show).join(', ')} are allowed${advice}`);
  };
}

function didYouMean(word: string, words: readonly string[]): string {
  const name = nearest(word, words);
  return name === undefined ? `; there are ${words.join(', ')}` : `; did you mean ${name}?`;
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
