const raw = { module: 'raw' };
const channelbox = { module: 'channelbox' };
const ws = { module: 'ws' };
const socketIo = { module: 'socket-io', protocol: 'socket.io' };
const crossws = { module: 'crossws' };
const bun = { module: 'bun', needs: 'bun' };

/** The floor is measured twice a round: `#1` and `#2` are the same thing, and how far they differ is the noise. */
const floor = { 'raw #1': raw, 'raw #2': raw };
const peers = { 'Socket.IO': socketIo, crossws, Bun: bun };
const fanOut = {
  ...floor,
  'raw joined': { ...raw, joins: true },
  'ws loop': ws,
  'ws.send(Buffer)': { ...ws, once: true },
  channelbox,
  'channelbox, no joining': { ...channelbox, joins: false },
  ...peers,
};
const conversing = {
  ...floor,
  ws,
  channelbox,
  'channelbox, no joining': { ...channelbox, joins: false },
  ...peers,
};
const roomful = {
  ...floor,
  'raw joined': { ...raw, joins: true },
  'ws loop': ws,
  'ws.send(Buffer)': { ...ws, once: true },
};
const speaking = {
  ...roomful,
  channelbox,
  'channelbox, no joining': { ...channelbox, joins: false },
  ...peers,
};
const admitting = { 'ws #1': ws, 'ws #2': ws, channelbox, ...peers };

/** Between publishes so long that the server is at most 60 % busy. */
function pacingMs(members) {
  return Math.max(4, Math.round(members * 0.022));
}

function paced(bytes, members) {
  const publishes = Math.max(20, Math.ceil(100_000 / members));
  const work = { members, bytes, burst: 1, publishes, intervalMs: pacingMs(members) };
  return { name: `paced-${bytes}-${members}`, kind: 'broadcast', work, variants: fanOut, isPaced: true };
}

function burst(bytes, members) {
  const publishes = Math.max(5, Math.ceil(10_000 / members)) * 20;
  const work = { members, bytes, burst: 20, publishes, intervalMs: Math.max(30, Math.round(members * 0.3)) };
  return { name: `burst-${bytes}-${members}`, kind: 'broadcast', work, variants: fanOut };
}

/**
 * One message at a time leaves both sides asleep for most of a trip, and a core of a virtual machine takes 10 to 60 µs
 * to wake up, as it likes. On one core nobody sleeps: a trip is what both processes do.
 */
const pingPong = { clients: 1, inFlight: 1, messages: 20_000, warmUp: 20_000, bytes: 128 };

/** 25 groups of 200; each member is in five of them. */
const fives = Array.from({ length: 25 }, (_, first) =>
  Array.from({ length: 5 }, (__, step) => `g${(first + 5 * step) % 25}`),
);

export const cases = [
  ...[128, 2048].flatMap((bytes) =>
    [100, 1000, 5000].flatMap((members) => [paced(bytes, members), burst(bytes, members)]),
  ),
  {
    name: 'echo-saturated',
    kind: 'echo',
    work: { clients: 200, inFlight: 4, messages: 200_000, bytes: 128 },
    variants: conversing,
  },
  {
    name: 'echo-ping-pong',
    kind: 'echo',
    work: { ...pingPong, sharesCore: true },
    variants: conversing,
  },
  { name: 'echo-ping-pong-two-cores', kind: 'echo', work: pingPong, variants: conversing },
  { name: 'connect', kind: 'connect', work: { warmUp: 1000, clients: 4000 }, variants: admitting, floor: 'ws' },
  { name: 'idle', kind: 'idle', work: { clients: 5000 }, variants: admitting, floor: 'ws', roundsMax: 3 },
  {
    name: 'idle-joined',
    kind: 'idle',
    work: { clients: 5000, joins: true },
    variants: admitting,
    floor: 'ws',
    roundsMax: 3,
  },
  {
    name: 'compressed',
    kind: 'broadcast',
    work: { members: 1000, bytes: 2048, burst: 1, publishes: 50, intervalMs: 120, warmUp: 20 },
    variants: {
      'channelbox plain #1': channelbox,
      'channelbox plain #2': channelbox,
      'channelbox compressed': { ...channelbox, compression: true },
      'ws compressed': { ...ws, once: true, compression: true },
    },
    floor: 'channelbox plain',
    isPaced: true,
  },
  {
    name: 'compressed-memory',
    kind: 'memory',
    work: { members: 1000, bytes: 2048, publishes: 5 },
    variants: {
      'channelbox plain #1': channelbox,
      'channelbox plain #2': channelbox,
      'channelbox compressed': { ...channelbox, compression: true },
      'ws compressed': { ...ws, once: true, compression: true },
    },
    floor: 'channelbox plain',
    roundsMax: 3,
  },
  {
    name: 'busy-room',
    kind: 'room',
    work: { members: 200, groups: [['room']], speakers: 200, membersPerGroup: 200, rounds: 10, bytes: 128 },
    variants: speaking,
  },
  {
    name: 'five-groups-each',
    kind: 'room',
    work: { members: 1000, groups: fives, speakers: 200, membersPerGroup: 200, rounds: 10, bytes: 128 },
    variants: speaking,
  },
  {
    name: 'stuck',
    kind: 'broadcast',
    work: { members: 1000, stuck: 10, bytes: 2048, burst: 20, publishes: 400, intervalMs: 300 },
    variants: { ...roomful, channelbox, ...peers },
  },
];

/** What a run without `--cases` takes: everything that a bound is owed for, and what is owed without one. */
export const usual = cases.map(({ name }) => name).filter((name) => !/-(100|5000|two-cores)$/.test(name));
