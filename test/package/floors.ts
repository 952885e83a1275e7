/**
 * The floors of the house, the lowest first, and what they forbid. A file imports from its own room and from lower floors;
 * rooms of one floor do not know each other. A room is a folder; a file named here stands by itself (a contract, or a file of
 * a hall). What is in a folder below a named one belongs to its floor.
 */
import { dirname, join } from 'node:path/posix';

export const floors: readonly (readonly string[])[] = [
  // src: data flows the other way, from the app down to the transport.
  ['src/errors.ts'],
  ['src/time', 'src/random.ts', 'src/peer.ts'],
  ['src/protocol'],
  ['src/transport/transport.ts', 'src/layer/layer.ts'],
  ['src/api.ts'],
  ['src/promise.ts', 'src/probe.ts', 'src/limits.ts', 'src/layer', 'src/transport/node', 'src/transport/memory'],
  ['src/channel', 'src/layer/redis', 'src/drain.ts', 'src/log'],
  ['src/handshake'],
  ['src/socket'],
  ['src/middleware'],
  ['src/route'],
  ['src/consumer'],
  ['src/router'],
  ['src/admission'],
  ['src/connections.ts', 'src/app-options.ts'],
  ['src/app.ts'],
  ['src/nexios.ts', 'src/metrics.ts'],
  ['src/index.ts', 'src/internal.ts', 'src/redis.ts'],
  // testing
  ['testing/time', 'testing/conformance'],
  ['testing/transport'],
  ['testing/client'],
  ['testing/target'],
  ['testing/browser', 'testing/vitest', 'testing/simulator'],
  ['testing/index.ts', 'testing/vitest.ts', 'testing/mock-socket.ts', 'testing/simulator.ts'],
  // load
  ['load/thrown.ts', 'load/time.ts', 'load/load-error.ts', 'load/address.ts', 'load/ledger'],
  ['load/plain-error.ts'],
  ['load/message.ts'],
  ['load/scenario'],
  ['load/plan'],
  ['load/generator'],
  ['load/result'],
  ['load/run'],
  ['load/load.ts', 'load/report'],
  ['load/command'],
  ['load/index.ts', 'load/cli.ts', 'load/scenarios'],
];

/** By which files of another tree a tree may enter it. What a tree does not name it does not import. */
const doors: Readonly<Record<string, readonly string[]>> = {
  src: [],
  testing: ['src/index.ts', 'src/redis.ts', 'src/internal.ts'],
  load: ['src/index.ts', 'src/redis.ts', 'src/internal.ts', 'testing/index.ts', 'testing/simulator.ts', 'examples/'],
};

/** Who may import `ws`: the rest of the trees could do without it. */
const wsRooms = ['src/transport/node', 'testing/transport', 'load/generator/connection'];

const filesMax = 12;
/** A hall, the folder of a tree itself, holds its doors as well. */
const hallFilesMax = 18;

interface Import {
  readonly file: string;
  readonly to: string;
}

/** All imports of a text, those of types and those at run time as well; none of an example in a comment. */
function importsOf(file: string, text: string): Import[] {
  const code = text.replaceAll(/^\s*(\*|\/\*|\/\/).*$/gm, '');
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])(?<to>[^'"]+)\1/g)].map(({ groups }) => {
    const to = groups?.['to'] as string;
    return { file, to: to.startsWith('.') ? join(dirname(file), to) : to };
  });
}

/** The entry of the list that a file belongs to: itself, else the nearest folder. */
function placeOf(file: string): { readonly entry: string; readonly floor: number } | undefined {
  for (let path = file; path !== '.'; path = dirname(path)) {
    const floor = floors.findIndex((entries) => entries.includes(path));
    if (floor >= 0) return { entry: path, floor };
  }
  return undefined;
}

/** What a file stands for in the question whether two rooms know each other. */
const roomOf = (file: string): string => (placeOf(file)?.entry === file ? file : dirname(file));
const treeOf = (file: string): string => file.split('/', 1)[0] as string;

function refusalOf({ file, to }: Import): string | undefined {
  const tree = treeOf(file);
  if (to === 'ws')
    return wsRooms.includes(dirname(file)) ? undefined : `imports ws, which is for ${wsRooms.join(', ')}`;
  if (tree === 'src' && to.split('/', 1)[0] === 'channelbox') return 'imports its own package by name';
  if (!/^(src|testing|load|examples|test|bench|build)\//.test(to)) return undefined;
  if (treeOf(to) !== tree) {
    const isDoor = (doors[tree] ?? []).some((door) => (door.endsWith('/') ? to.startsWith(door) : to === door));
    return isDoor ? undefined : `imports ${to}, which is no door for ${tree}`;
  }
  const [from, target] = [placeOf(file), placeOf(to)];
  if (from === undefined || target === undefined)
    return `${from === undefined ? file : to} has no place in the list of floors`;
  if (from.entry === target.entry || target.floor < from.floor) return undefined;
  return `imports ${to}, which is ${target.floor === from.floor ? 'another room of its floor' : 'a floor above'}`;
}

/** Rooms that reach themselves over others, each circle once, by its way. */
function circlesOf(imports: readonly Import[]): string[] {
  const ties = new Map<string, Set<string>>();
  for (const { file, to } of imports) {
    const [from, target] = [roomOf(file), roomOf(to)];
    if (from !== target && treeOf(from) === treeOf(target)) ties.set(from, (ties.get(from) ?? new Set()).add(target));
  }
  const circles = new Set<string>();
  const done = new Set<string>();
  const walk = (room: string, way: readonly string[]): void => {
    const start = way.indexOf(room);
    if (start >= 0) circles.add([...way.slice(start), room].join(' → '));
    if (start >= 0 || done.has(room)) return;
    for (const next of ties.get(room) ?? []) walk(next, [...way, room]);
    done.add(room);
  };
  for (const room of ties.keys()) walk(room, []);
  return [...circles];
}

function crowdedRooms(files: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts].flatMap(([room, count]) => {
    const max = room.includes('/') ? filesMax : hallFilesMax;
    return count > max ? [`${room}: ${count} files, at most ${max}: it asks for a floor of its own`] : [];
  });
}

/** Everything that the floors forbid in these files of src, testing and load, one line each. */
export function offencesOf(files: ReadonlyMap<string, string>): string[] {
  const imports = [...files].flatMap(([file, text]) => importsOf(file, text));
  const refused = imports.flatMap((each) => {
    const refusal = refusalOf(each);
    return refusal === undefined ? [] : [`${each.file}: ${refusal}`];
  });
  return [...refused, ...circlesOf(imports), ...crowdedRooms([...files.keys()])];
}
