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
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
    shape: { type: 'string', default: '' },
    rate: { type: 'string', default: '200' },
  },
});
const [rounds, seconds, rate] = [values.rounds, values.seconds, values.rate].map(Number);
/** Code that has run so often is compiled: what is measured is what a server does that has been up for a while. */
const warmUps = 1_000;
const variants = [
  'channelbox saved',
  'channelbox unsaved',
  'socket.io redis-adapter',
  'socket.io redis-streams-adapter',
];
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
    for (const shape of shapes) if (shape.name.startsWith(values.shape)) await compare(shape);
  if (values.only !== 'beside') await inside({ url: redis.url, print });
} finally {
  await redis.stop();
}

async function compare(shape) {
  const samples = new Map(shape.variants.map((name) => [name, []]));
  let missing = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of shape.variants.toSorted(() => Math.random() - 0.5)) {
      const { microseconds, lost } = await sample(name, shape);
      samples.get(name).push(microseconds);
      missing += lost;
    }
  }
  print(
    `\n${shape.name}: µs of server CPU a delivery, median of ${rounds} (least to most); ${missing} deliveries missing`,
  );
  const medians = new Map([...samples].map(([name, all]) => [name, median(all)]));
  for (const [name, all] of samples) {
    const ratios = ['socket.io redis-adapter', 'socket.io redis-streams-adapter', 'channelbox memory']
      .filter((peer) => peer !== name && medians.has(peer) && name.startsWith('channelbox'))
      .map((peer) => `${(medians.get(name) / medians.get(peer)).toFixed(2)} of ${peer.replace('socket.io ', '')}`);
    print(
      `  ${name.padEnd(32)} ${medians.get(name).toFixed(1).padStart(7)} (${Math.min(...all).toFixed(1)} to ${Math.max(...all).toFixed(1)})  ${ratios.join(', ')}`,
    );
  }
}

async function sample(variant, { nodes, clients, rooms }) {
  const servers = [];
  for (let node = 0; node < nodes; node += 1) servers.push(fork(here('server.mjs'), [variant, redis.url]));
  const ports = await Promise.all(servers.map(async (server) => (await said(server, 'port')).port));
  const crowd = fork(here('clients.mjs'));
  const isSocketIo = variant.startsWith('socket.io');
  crowd.send({ connect: { ports, clients, rooms, isSocketIo } });
  await said(crowd, 'connected');
  const names = Array.from({ length: rooms }, (_, at) => `r${at}`);
  const perNode = (seconds * rate) / nodes;
  await burst(servers, names, warmUps / nodes, 4);
  await quiet(crowd);
  const before = await Promise.all(servers.map(cpuOf));
  const start = await counted(crowd);
  await burst(servers, names, perNode, (1_000 * seconds) / perNode);
  await quiet(crowd);
  const deliveries = (await counted(crowd)) - start;
  const after = await Promise.all(servers.map(cpuOf));
  const used = after.reduce((sum, cpu, at) => sum + cpu.user + cpu.system - before[at].user - before[at].system, 0);
  const expected = (perNode * nodes * clients) / names.length;
  for (const child of [...servers, crowd]) {
    const ended = once(child, 'exit');
    child.send({ stop: true });
    await ended;
  }
  return { microseconds: used / deliveries, lost: Math.max(0, Math.round(expected - deliveries)) };
}

async function burst(servers, rooms, count, everyMs) {
  const done = servers.map((server) => said(server, 'published'));
  for (const server of servers) server.send({ publish: { rooms, count, everyMs } });
  await Promise.all(done);
}

/** Until nothing arrives any more. */
async function quiet(crowd) {
  for (let before = -1, now = 0; now !== before;) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
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

function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
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
