import { setTimeout as pause } from 'node:timers/promises';
import { Pair } from './pair.mjs';

/**
 * How one sample of each kind is taken. All give µs of CPU of the server process per unit of work, user and system
 * apart, from just before the first piece of work to the last byte read by the client.
 */
export const kinds = { broadcast, echo, connect, idle, memory, room };

function opened(variant, work, role) {
  const compression = work.compressed === true || variant.compression === true;
  return Pair.start({ ...variant, role, compression, sharesCore: work.sharesCore === true });
}

async function broadcast(variant, work) {
  const { members, bytes, burst, publishes, intervalMs, stuck = 0, warmUp = 60 } = work;
  const pair = await opened(variant, work, 'broadcast');
  const deflate = variant.compression === true;
  try {
    await pair.client({
      do: 'connect',
      port: pair.port,
      count: members,
      protocol: variant.protocol,
      deflate,
      groups: [['room']],
    });
    await pause(100);
    if (stuck > 0) await pair.client({ do: 'stall', count: stuck });
    const healthy = members - stuck;
    const round = async (count) => {
      const got = pair.expect(count * healthy);
      await pair.server({ do: 'run', bytes, publishes: count, burst, intervalMs });
      await got;
    };
    await round(Math.ceil(warmUp / burst) * burst);
    const before = stuck > 0 ? await pair.server({ do: 'memory' }) : undefined;
    const sample = await cost(pair, publishes * healthy, () => round(publishes));
    if (before === undefined) return sample;
    const after = await pair.server({ do: 'memory' });
    return { ...sample, grownKilobytesPerStuck: (after.rss - before.rss) / 1024 / stuck };
  } finally {
    await pair.end();
  }
}

async function echo(variant, work) {
  const { clients, inFlight, messages, bytes, warmUp = Math.ceil(messages / 4) } = work;
  const pair = await opened(variant, work, 'echo');
  const { protocol } = variant;
  try {
    await pair.client({ do: 'connect', port: pair.port, count: clients, protocol });
    await pair.client({ do: 'echo', messages: warmUp, inFlight, protocol, bytes });
    let answer;
    const sample = await cost(pair, messages, async () => {
      answer = await pair.client({ do: 'echo', messages, inFlight, protocol, bytes });
    });
    return { ...sample, medianUs: answer.medianUs };
  } finally {
    await pair.end();
  }
}

async function connect(variant, { warmUp, clients }) {
  const pair = await opened(variant, {}, 'idle');
  const order = { do: 'connect', port: pair.port, protocol: variant.protocol };
  try {
    await pair.client({ ...order, count: warmUp });
    return await cost(pair, clients, () => pair.client({ ...order, count: clients }));
  } finally {
    await pair.end();
  }
}

/** Bytes in place of µs: JS heap and resident memory per connection, after two collections. */
async function idle(variant, { clients, joins = false }) {
  const pair = await opened(variant, {}, joins ? 'broadcast' : 'idle');
  const order = { do: 'connect', port: pair.port, protocol: variant.protocol, groups: joins ? [['room']] : [] };
  try {
    await pair.client({ ...order, count: 100 });
    await pause(100);
    const before = await pair.server({ do: 'memory' });
    await pair.client({ ...order, count: clients });
    await pause(200);
    const after = await pair.server({ do: 'memory' });
    return { heapBytes: (after.heapUsed - before.heapUsed) / clients, rssBytes: (after.rss - before.rss) / clients };
  } finally {
    await pair.end();
  }
}

/**
 * Resident memory that broadcasts leave behind, bytes per member. What deflating takes once for the whole process is no
 * member's: a few members of another group have been sent to before the others come.
 */
async function memory(variant, { members, bytes, publishes }) {
  const pair = await opened(variant, {}, 'broadcast');
  const order = { do: 'connect', port: pair.port, protocol: variant.protocol, deflate: variant.compression === true };
  const send = async (group, count) => {
    const got = pair.expect(publishes * count);
    await pair.server({ do: 'run', bytes, publishes, burst: 1, intervalMs: 200, group });
    await got;
    await pause(100);
  };
  try {
    await pair.client({ ...order, count: 5, groups: [['first']] });
    await send('first', 5);
    await pair.client({ ...order, count: members, groups: [['room']] });
    await pause(100);
    const before = await pair.server({ do: 'memory' });
    await send('room', members);
    const after = await pair.server({ do: 'memory' });
    return { rssBytes: (after.rss - before.rss) / members, heapBytes: (after.heapUsed - before.heapUsed) / members };
  } finally {
    await pair.end();
  }
}

async function room(variant, { members, groups, speakers, membersPerGroup, rounds, bytes }) {
  const pair = await opened(variant, {}, 'rooms');
  const { protocol } = variant;
  const order = { do: 'speak', speakers, bytes, protocol, membersPerGroup };
  try {
    await pair.client({ do: 'connect', port: pair.port, count: members, protocol, groups });
    await pause(100);
    await pair.client({ ...order, rounds: 2 });
    return await cost(pair, rounds * speakers * membersPerGroup, () => pair.client({ ...order, rounds }));
  } finally {
    await pair.end();
  }
}

async function cost(pair, units, work) {
  const [server, client] = await Promise.all([pair.server({ do: 'mark' }), pair.client({ do: 'mark' })]);
  const startMs = performance.now();
  await work();
  const wallMs = performance.now() - startMs;
  await pause(5);
  const [serverAfter, clientAfter] = await Promise.all([pair.server({ do: 'mark' }), pair.client({ do: 'mark' })]);
  const user = (serverAfter.user - server.user) / units;
  const system = (serverAfter.system - server.system) / units;
  const busyUs = clientAfter.user - client.user + clientAfter.system - client.system;
  return { user, system, total: user + system, clientLoad: busyUs / 1000 / wallMs, wallMs };
}
