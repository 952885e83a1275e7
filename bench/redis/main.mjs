/** channelbox over Redis beside Socket.IO's adapters: server CPU for each delivery, interleaved, medians and ratios. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inside } from './inside.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '24' },
    seconds: { type: 'string', default: '0.5' },
    only: { type: 'string', default: '' },
    shape: { type: 'string', default: '' },
    rate: { type: 'string', default: '2000' },
    together: { type: 'string', default: '1' },
    warm: { type: 'string', default: '40000' },
    alone: { type: 'boolean', default: false },
    variants: { type: 'string', default: '' },
  },
});
const [rounds, seconds, rate, together] = [values.rounds, values.seconds, values.rate, values.together].map(Number);
/** Code that has run often is compiled: what is measured is what a server does that has been up for a while. */
const warmUps = Number(values.warm);
const only = values.variants.split(',').filter((name) => name !== '');
const peers = ['socket.io redis-adapter', 'socket.io redis-streams-adapter'];
const variants = ['channelbox saved', 'channelbox unsaved', 'channelbox bare layer', ...peers, 'bare PUBLISH'];
const shapes = [
  {
    name: '1 node, 300 members, 10 rooms',
    nodes: 1,
    clients: 300,
    rooms: 10,
    variants: ['channelbox memory', ...variants],
  },
  { name: '2 nodes, 300 members, 10 rooms', nodes: 2, clients: 300, rooms: 10, variants },
  { name: '4 nodes, 300 members, 10 rooms', nodes: 4, clients: 300, rooms: 10, variants },
  // Each room has one member in all: a publish is for one socket, mostly of another node.
  { name: '4 nodes, 120 rooms of one member each', nodes: 4, clients: 120, rooms: 120, variants },
];

const redis = await startRedis();
try {
  print(
    `${cpus().length} cores, ${cpus()[0].model}, Node ${process.version}, load ${loadavg()[0].toFixed(1)} at the start`,
  );
  if (values.only !== 'inside')
    for (const shape of shapes) {
      if (!shape.name.startsWith(values.shape)) continue;
      await compare(only.length === 0 ? shape : { ...shape, variants: only });
    }
  if (values.only !== 'beside') await inside({ ...redis, print });
} finally {
  await redis.stop();
}

async function compare(shape) {
  const [samples, users] = [0, 1].map(() => new Map(shape.variants.map((name) => [name, []])));
  const fleets = new Map();
  if (!values.alone) for (const name of shape.variants) fleets.set(name, await started(name, shape));
  let missing = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of shape.variants.toSorted(() => Math.random() - 0.5)) {
      const fleet = fleets.get(name) ?? (await started(name, shape));
      const { user, system, lost } = await sample(fleet, shape);
      samples.get(name).push(user + system);
      users.get(name).push(user);
      missing += lost;
      if (values.alone) await stoppedAll(fleet);
    }
  }
  for (const fleet of fleets.values()) await stoppedAll(fleet);
  print(
    `\n${shape.name}, ${rate} publishes a second, ${together} at a time: µs of server CPU a delivery, median of ${rounds} (middle half); ${missing} deliveries missing`,
  );
  for (const [name, all] of samples) {
    const ratios = ['channelbox memory', ...peers]
      .filter((peer) => peer !== name && samples.has(peer) && !name.startsWith('socket.io'))
      .map((peer) => `${ratioOf(all, samples.get(peer))} of ${peer.replace('socket.io ', '')}`);
    const [least, middle, most] = [0.25, 0.5, 0.75].map((part) => quantile(all, part).toFixed(1));
    const own = `${quantile(users.get(name), 0.5).toFixed(1)} outside of the kernel`;
    print(`  ${name.padEnd(32)} ${middle.padStart(7)} (${least} to ${most}), ${own}  ${ratios.join(', ')}`);
  }
}

/** Of the two in each round, and of all rounds the median: a machine that is slow for seconds is so for both. */
function ratioOf(some, others) {
  const ratios = some.map((one, round) => one / others[round]);
  const [least, middle, most] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  return `${middle} (${least} to ${most})`;
}

/** All nodes of one variant, their clients, and code that has run. They stay for all rounds, so that what differs between two samples is the variant alone; with `--alone` each is new, and has the machine to itself. */
async function started(variant, { nodes, clients, rooms }) {
  const servers = [];
  for (let node = 0; node < nodes; node += 1) servers.push(fork(here('server.mjs'), [variant, redis.url]));
  const ports = await Promise.all(servers.map(async (server) => (await said(server, 'port')).port));
  const crowd = fork(here('clients.mjs'));
  crowd.send({ connect: { ports, clients, rooms, isSocketIo: variant.startsWith('socket.io') } });
  await said(crowd, 'connected');
  const names = Array.from({ length: rooms }, (_, at) => `r${at}`);
  const fleet = { servers, crowd, names };
  await burst(fleet, Math.ceil(warmUps / nodes), { everyMs: nodes / 2, atOnce: 5 });
  await quiet(crowd);
  return fleet;
}

async function sample({ servers, crowd, names }, { clients }) {
  const perNode = Math.round((seconds * rate) / servers.length);
  const before = await Promise.all(servers.map(cpuOf));
  const expected = (perNode * servers.length * clients) / names.length;
  const start = await counted(crowd);
  await burst({ servers, names }, perNode, { everyMs: (1_000 * seconds) / perNode, atOnce: together });
  const deliveries = await arrived(crowd, start, expected);
  const after = await Promise.all(servers.map(cpuOf));
  const used = (part) => after.reduce((sum, cpu, at) => sum + cpu[part] - before[at][part], 0) / deliveries;
  return { user: used('user'), system: used('system'), lost: Math.max(0, Math.round(expected - deliveries)) };
}

async function stoppedAll({ servers, crowd }) {
  await Promise.all([...servers, crowd].map(stopped));
}

async function stopped(child) {
  const ended = once(child, 'exit');
  child.send({ stop: true });
  await ended;
}

async function burst({ servers, names: rooms }, count, { everyMs, atOnce }) {
  const done = servers.map((server) => said(server, 'published'));
  // One after the other: nodes that publish at the same moment would have two messages for each member in one read.
  for (const [at, server] of servers.entries()) {
    const part = at / servers.length;
    const first = Math.floor(part * rooms.length);
    server.send({ publish: { rooms, first, count, atOnce, everyMs, afterMs: part * atOnce * everyMs } });
  }
  await Promise.all(done);
}

/** All that is expected; what has not come after a second is missing. */
async function arrived(crowd, start, expected) {
  for (const dueMs = performance.now() + 1_000; ;) {
    const deliveries = (await counted(crowd)) - start;
    if (deliveries >= expected || performance.now() > dueMs) return deliveries;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Until nothing arrives any more. */
async function quiet(crowd) {
  for (let before = -1, now = 0; now !== before;) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 150));
    now = await counted(crowd);
  }
}

async function counted(crowd) {
  crowd.send({ count: true });
  return (await said(crowd, 'received')).received;
}

async function cpuOf(server) {
  server.send({ cpu: true });
  return (await said(server, 'cpu')).cpu;
}

async function said(child, what) {
  for (;;) {
    const [message] = await once(child, 'message');
    if (what in message) return message;
  }
}

function quantile(values, part) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * part)];
}

async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'channelbox-bench-redis-'));
  const socket = join(folder, 'redis.sock');
  const port = 20_000 + (process.pid % 20_000);
  const child = spawn('redis-server', ['--port', String(port), '--unixsocket', socket, '--dir', folder, '--save', ''], {
    stdio: 'ignore',
  });
  for (let tries = 0; tries < 200 && !existsSync(socket); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 25));
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function here(file) {
  return fileURLToPath(new URL(file, import.meta.url));
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
