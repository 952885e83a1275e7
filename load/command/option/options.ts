import {
  address,
  flag,
  last,
  list,
  numberAbove,
  numberFrom,
  oneOf,
  roomsOf,
  scheduleOf,
  threshold,
  time,
  wholeNumber,
} from './option-value.ts';
import { scenarioDefaults } from '../../scenario/resolved.ts';
import type { Settings } from './settings.ts';

export type CommandName = 'load' | 'capacity' | 'compare' | 'report' | 'doctor';

interface OptionFacts {
  /** One letter, for the few that are typed by hand again and again. */
  readonly short?: string;
  /** Shown as `<argument>`; a switch has none. */
  readonly argument?: string;
  readonly commands: readonly CommandName[];
  readonly describes: string;
  /** In words, where neither flag nor environment nor file says anything. */
  readonly default?: string;
}

interface OptionOf<Key extends keyof Settings> extends OptionFacts {
  readonly key: Key;
  /** All that was given, in order; a switch gets one empty text. Throws a sentence on what was due. */
  readonly read: (texts: readonly string[]) => NonNullable<Settings[Key]>;
}

/** One row of the table: a flag, its variable, its default and how it is read. */
export type Option = { [Key in keyof Settings]-?: OptionOf<Key> }[keyof Settings];

const runs: readonly CommandName[] = ['load', 'capacity', 'compare'];

/**
 * Every option of the command line. `--help`, the environment and the reference in docs/load.md are made from this table and
 * from nothing else.
 */
export const options: readonly Option[] = [
  {
    key: 'target',
    argument: 'url',
    commands: runs,
    describes:
      'Where to connect, ws:// or wss://; may be repeated: room i lives on target i mod n. compare: the two sides.',
    default: 'of the scenario',
    read: (texts) => texts.flatMap(list).map(address),
  },
  {
    key: 'seed',
    argument: 'number',
    commands: runs,
    describes: 'Everything random comes from it: rooms, speakers, times, payloads.',
    default: String(scenarioDefaults.seed),
    read: (texts) => wholeNumber(last(texts), -Number.MAX_SAFE_INTEGER),
  },
  {
    key: 'clients',
    argument: 'count',
    commands: [...runs, 'doctor'],
    describes: 'How many clients, held for --duration. doctor: how many are planned.',
    default: 'of the scenario; 10 for a bare address; doctor: 10000',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'duration',
    argument: 'time',
    commands: runs,
    describes: 'How long a number of clients is held: 500ms, 30s, 5m.',
    default: scenarioDefaults.duration,
    read: (texts) => time(last(texts)),
  },
  {
    key: 'ramp',
    argument: 'time',
    commands: runs,
    describes: 'Connects the --clients evenly over this time, then holds them for --duration.',
    default: '2000 connects a second',
    read: (texts) => time(last(texts)),
  },
  {
    key: 'rooms',
    argument: 'kind',
    commands: runs,
    describes: 'A number of equal rooms, zipf:<rooms>[:<exponent>], one, or sizes as lobby=100,side=10.',
    default: scenarioDefaults.rooms,
    read: (texts) => roomsOf(last(texts)),
  },
  {
    key: 'roomSize',
    argument: 'count',
    commands: runs,
    describes: 'As many equal rooms as it takes for this many clients each; with --clients.',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'speakers',
    argument: 'share',
    commands: runs,
    describes: 'Clients that speak: a share of each room, 0 to 1, or above 1 a count over all rooms.',
    default: scenarioDefaults.speakers,
    read: (texts) => numberFrom(last(texts), 0),
  },
  {
    key: 'rate',
    argument: 'schedule',
    commands: runs,
    describes: 'Messages a second of each speaker: 0.5, poisson:0.5, or bursts as burst:10:5s.',
    default: scenarioDefaults.schedule,
    read: (texts) => scheduleOf(last(texts)),
  },
  {
    key: 'adapter',
    argument: 'name',
    commands: runs,
    describes: 'How the server joins and publishes: chat, echo or json; an own one is in a scenario.',
    default: scenarioDefaults.adapter,
    read: (texts) => oneOf(last(texts), ['chat', 'echo', 'json']),
  },
  {
    key: 'thresholds',
    argument: 'condition',
    commands: runs,
    describes: "Conditions to pass, as 'fanout.p99 < 50ms'; may be repeated, or separated by commas.",
    default: 'of the scenario; without any the ledger decides',
    read: (texts) => texts.flatMap(list).map(threshold),
  },
  {
    key: 'warmup',
    argument: 'time',
    commands: runs,
    describes: 'What is sent in it is counted nowhere.',
    default: scenarioDefaults.warmup,
    read: (texts) => time(last(texts)),
  },
  {
    key: 'deadline',
    argument: 'time',
    commands: runs,
    describes: 'How long a delivery may take before it counts as lost.',
    default: scenarioDefaults.deadline,
    read: (texts) => time(last(texts)),
  },
  {
    key: 'name',
    argument: 'text',
    commands: runs,
    describes: 'What the report calls this run.',
    default: 'of the scenario',
    read: (texts) => last(texts),
  },
  {
    key: 'client',
    argument: 'kind',
    commands: runs,
    describes: 'ws conforms to the protocol in full; raw takes half the memory and CPU.',
    default: 'ws',
    read: (texts) => oneOf(last(texts), ['ws', 'raw']),
  },
  {
    key: 'inproc',
    commands: runs,
    describes: "Runs the scenario's app in this process, without a network and on virtual time.",
    read: flag,
  },
  {
    key: 'processes',
    argument: 'count',
    commands: runs,
    describes: 'Generator processes.',
    default: 'by clients, cores and descriptors',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'localIp',
    argument: 'address',
    commands: runs,
    describes: 'Source address to connect from; may be repeated: each brings a port range of its own.',
    default: '127.x.y.z towards a loopback target, else of the system',
    read: (texts) => texts.flatMap(list),
  },
  {
    key: 'http',
    argument: 'url',
    commands: ['load'],
    describes: 'Loads this HTTP address, or path of the target, with autocannon meanwhile (npm i -D autocannon).',
    read: (texts) => last(texts),
  },
  {
    key: 'rounds',
    argument: 'count',
    commands: ['load', 'compare'],
    describes: 'How often it is run; the report keeps each. compare: pairs of turns, 12 at least for a verdict.',
    default: 'load: 1; compare: 12',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'by',
    argument: 'unit',
    commands: ['capacity'],
    describes: 'What is searched for: clients, or the rate of each speaker.',
    default: 'clients',
    read: (texts) => oneOf(last(texts), ['clients', 'rate']),
  },
  {
    key: 'min',
    argument: 'number',
    commands: ['capacity'],
    describes: 'Where the search begins.',
    default: '100 clients, or a rate of 0.1',
    read: (texts) => numberAbove(last(texts), 0),
  },
  {
    key: 'max',
    argument: 'number',
    commands: ['capacity'],
    describes: 'Where the search ends.',
    default: '100000 clients, or a rate of 1000',
    read: (texts) => numberAbove(last(texts), 0),
  },
  {
    key: 'precision',
    argument: 'share',
    commands: ['capacity'],
    describes: 'How close the two ends come before they are repeated, as a share of the upper one.',
    default: '0.05',
    read: (texts) => numberAbove(last(texts), 0),
  },
  {
    key: 'repeats',
    argument: 'count',
    commands: ['capacity'],
    describes: 'How often each end of the interval has to say the same.',
    default: '3',
    read: (texts) => wholeNumber(last(texts), 1),
  },
  {
    key: 'rest',
    argument: 'time',
    commands: ['capacity', 'compare'],
    describes: 'Pause between runs, in which a server recovers from the one before.',
    default: '1s; none with --inproc',
    read: (texts) => time(last(texts)),
  },
  {
    key: 'atLeast',
    argument: 'number',
    commands: ['capacity'],
    describes: 'Exit 1 unless this much holds every time.',
    read: (texts) => numberAbove(last(texts), 0),
  },
  {
    key: 'json',
    commands: [...runs, 'report', 'doctor'],
    describes: 'One JSON document on standard output in place of the table.',
    read: flag,
  },
  {
    key: 'ndjson',
    commands: runs,
    describes: 'A line of JSON for each step on standard output, the result last.',
    read: flag,
  },
  {
    key: 'html',
    argument: 'file',
    commands: ['load', 'report'],
    describes: 'Writes the report as one HTML page that needs nothing else.',
    read: (texts) => last(texts),
  },
  {
    key: 'save',
    argument: 'file',
    commands: ['load', 'compare'],
    describes: 'Writes the report as JSON for report and compare. compare: given twice, one for each side.',
    read: (texts) => texts.flatMap(list),
  },
  {
    key: 'quiet',
    short: 'q',
    commands: runs,
    describes: 'Nothing on standard error but errors.',
    read: flag,
  },
  {
    key: 'noTui',
    commands: runs,
    describes: 'Plain lines every 5 s even on a terminal.',
    read: flag,
  },
];

/** `--local-ip` */
export function flagOf(option: Pick<Option, 'key'>): string {
  return `--${option.key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `LOAD_LOCAL_IP` */
export function variableOf(option: Pick<Option, 'key'>): string {
  return `LOAD_${flagOf(option).slice(2).replaceAll('-', '_').toUpperCase()}`;
}
