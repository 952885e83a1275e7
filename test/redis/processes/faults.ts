import { setTimeout as realTime } from 'node:timers/promises'; // real time: everything here is another process
import { foreignPushes } from './foreign-pushes.ts';
import type { NodeProcess } from './node-process.ts';
import { usualShare, type Stand } from './stand.ts';

/** Does something to a run that is under way; answers how often it happened, counted where it happens. */
export type ProcessFault = (stand: Stand) => Promise<number>;

/** What comes about in a moment may take so long on a machine that has other things to do. */
const provenMs = 20_000;

async function killed(stand: Stand, kind: 'pubsub' | 'normal', times: number, inARow: number): Promise<number> {
  let count = 0;
  for (let time = 1; time <= times; time += 1) {
    count += await stand.server.killClients(kind);
    await realTime(20);
    if (time % inARow === 0) await stand.heal();
  }
  return count;
}

async function reconnects(stand: Stand): Promise<number> {
  const all = await stand.statuses();
  return all.reduce((sum, { metrics }) => sum + metrics.reconnects, 0);
}

/** Stops for longer than a lease, while others ask it something that they are then told did not come to be. */
async function longerThanALease(stand: Stand, at: number, isStall: boolean): Promise<number> {
  const { leaseMs, leaseRenewMs, deadlineMs } = stand.settings;
  const node = stand.nodes[at] as NodeProcess;
  const other = stand.nodes[(at + 1) % stand.nodes.length] as NodeProcess;
  const [member] = stand.receiversOn(node);
  const forMs = Math.max(isStall ? 5_000 : 0, leaseMs + 2 * leaseRenewMs, deadlineMs + 500);
  const stalled = isStall ? node.stall(forMs) : undefined;
  if (!isStall) node.stop();
  await realTime(50);
  const id = `order ${at}`;
  const outcome = await other.send(member?.member ?? '', { type: 'order', id });
  await realTime(Math.max(0, forMs - deadlineMs - 50));
  let known = stand.nodes.length;
  const isTakenForDead = async (): Promise<boolean> => {
    known = (await other.status()).health.nodes.length;
    return known < stand.nodes.length;
  };
  await stand.until(isTakenForDead, isStall ? 500 : provenMs);
  if (!isStall) node.proceed();
  await stalled;
  await stand.heal();
  if (outcome === 'CHANNELBOX_LAYER_DEADLINE' && stand.ordered.has(id)) stand.books.obeyedLate += 1;
  // By whom the others take for dead.
  return stand.nodes.length - known;
}

/** Pushes vanish on a connection that lives, as none does. @returns how many */
async function dropping(stand: Stand, run: (node: NodeProcess) => Promise<void>): Promise<number> {
  const node = stand.nodes[stand.anyNode()] as NodeProcess;
  const { dropped } = await node.status();
  // What is not saved has its place by what came before it on the connection, and by nothing else.
  stand.savedShare = 1;
  // Nor may any of it be under way when the first push vanishes, however slow the machine is.
  const isUnderWay = (): boolean =>
    [...stand.books.said.values()].some(({ isSaved, outcome }) => !isSaved && outcome === 'open');
  await stand.until(() => !isUnderWay(), 5_000);
  await realTime(200);
  await run(node);
  stand.savedShare = usualShare;
  return (await node.status()).dropped - dropped;
}

async function frozen(stand: Stand, forMs: number): Promise<number> {
  stand.server.signal('SIGSTOP');
  await realTime(forMs);
  stand.server.signal('SIGCONT');
  return 1;
}

/** What was kept back, once the way is free again. */
async function cut(stand: Stand, direction: 'to-client' | 'to-server'): Promise<number> {
  const { leaseMs, leaseRenewMs } = stand.settings;
  const at = stand.anyNode();
  stand.network.block(at, direction);
  await realTime(leaseMs + 2 * leaseRenewMs);
  return stand.network.heal(at);
}

/** Subscribe connections that the server has. */
async function listeners({ server }: Stand): Promise<number> {
  return String(await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'))
    .split('\n')
    .filter(Boolean).length;
}

/** How many messages each room has had, as Redis has it. */
async function tops({ server, rooms }: Stand): Promise<number[]> {
  return Promise.all(rooms.map(async (room) => Number(await server.command('HGET', `faults:{${room}}:meta`, 'o'))));
}

/** By what is done. */
export const processFaults: Readonly<Record<string, ProcessFault>> = {
  'subscribe connections killed': (stand) => killed(stand, 'pubsub', 4, 1),
  'command connections killed in bursts': (stand) => killed(stand, 'normal', 12, 3),
  'server frozen': (stand) => frozen(stand, stand.settings.deadlineMs * 0.5),
  'server frozen past the deadline': (stand) => frozen(stand, stand.settings.deadlineMs + 1_500),
  'server killed, comes back empty': async ({ server }) => {
    await server.kill();
    await realTime(150);
    await server.start();
    return 1;
  },
  'server killed, comes back old, while one process slept': async (stand) => {
    const { server, nodes } = stand;
    await server.command('SAVE');
    await realTime(200 + stand.random() * 200);
    const node = nodes[stand.anyNode()] as NodeProcess;
    node.stop();
    await realTime(100);
    const before = await tops(stand);
    await server.kill();
    await server.start();
    // The others go on until its places exist again, and are others.
    await stand.until(async () => (await tops(stand)).every((top, at) => top > (before[at] ?? 0)), provenMs);
    node.proceed();
    return 1;
  },
  'process killed': async (stand) => {
    const at = stand.anyNode();
    const before = stand.receiversOn(stand.nodes[at] as NodeProcess).length;
    await (stand.nodes[at] as NodeProcess).end('SIGKILL');
    await realTime(stand.settings.leaseRenewMs);
    stand.nodes[at] = await stand.startNode(at);
    return before;
  },
  'process stopped past its lease': (stand) => longerThanALease(stand, stand.anyNode(), false),
  'event loop stands still for 5 s': (stand) => longerThanALease(stand, stand.anyNode(), true),
  'process stopped, output buffer overflows': async (stand) => {
    const { server } = stand;
    const limit = 'client-output-buffer-limit';
    const before = await listeners(stand);
    await server.command('CONFIG', 'SET', limit, 'pubsub 65536 65536 1');
    stand.pad = 'x'.repeat(3_000);
    const node = stand.nodes[stand.anyNode()] as NodeProcess;
    node.stop();
    // Well before its lease: no longer than the history of a room holds.
    await stand.until(async () => (await listeners(stand)) < before, provenMs);
    const cutOff = before - (await listeners(stand));
    stand.pad = undefined;
    node.proceed();
    await server.command('CONFIG', 'SET', limit, 'pubsub 33554432 8388608 60');
    return cutOff;
  },
  'cut off from what Redis says': (stand) => cut(stand, 'to-client'),
  'cut off from what it says to Redis': (stand) => cut(stand, 'to-server'),
  'subscribe connection goes deaf': async (stand) => {
    const at = stand.anyNode();
    const node = stand.nodes[at] as NodeProcess;
    const { metrics: before } = await node.status();
    const deaf = await stand.network.deafen(at);
    const isFound = async (): Promise<boolean> => (await node.status()).metrics.probesLost > before.probesLost;
    const hasFound = await stand.until(isFound, 4 * stand.settings.leaseRenewMs + 2_000);
    // Else it stays so: what comes late by itself would hide it.
    return hasFound ? Math.min(deaf, stand.network.heal(at)) : deaf;
  },
  'pushes lost': (stand) =>
    dropping(stand, async (node) => {
      const { dropped } = await node.status();
      await node.drop(5);
      await stand.until(async () => (await node.status()).dropped >= dropped + 5, provenMs);
      await stand.heal();
    }),
  'last pushes lost': (stand) =>
    dropping(stand, async (node) => {
      // Before it grows quiet: nothing newer shows that they are missing.
      await stand.until(() => stand.books.acked >= stand.job.ackedMin, 60_000);
      await node.drop(1_000);
      await realTime(200);
      await stand.hush();
      await node.drop(0);
      await stand.rest();
      if (stand.books.isComplete) stand.talk();
    }),
  'all keys deleted': async ({ server }) => {
    const before = Number(await server.command('DBSIZE'));
    await server.command('FLUSHALL');
    return before;
  },
  'history trimmed while one process slept': async (stand) => {
    const { server, nodes, rooms } = stand;
    const node = nodes[stand.anyNode()] as NodeProcess;
    node.stop();
    // Cut off as well: or all would wait in its connection.
    await server.killClients('pubsub');
    await realTime(500);
    let trimmed = 0;
    for (const room of rooms) trimmed += Number(await server.command('XTRIM', `faults:{${room}}:log`, 'MAXLEN', '1'));
    node.proceed();
    return trimmed;
  },
  'scripts forgotten in a burst': async (stand) => {
    const { server } = stand;
    const before = await errors(stand, 'NOSCRIPT');
    const isTold = async (): Promise<boolean> => (await errors(stand, 'NOSCRIPT')) > before;
    for (let count = 0; count < 20; count += 1) {
      await server.command('SCRIPT', 'FLUSH');
      await realTime(10);
    }
    await stand.until(isTold, provenMs);
    return (await errors(stand, 'NOSCRIPT')) - before;
  },
  'a replica for a while': async (stand) => {
    const before = await reconnects(stand);
    await stand.server.command('REPLICAOF', '127.0.0.1', '1');
    await realTime(500);
    await stand.server.command('REPLICAOF', 'NO', 'ONE');
    await stand.heal();
    return (await reconnects(stand)) - before;
  },
  'no memory left': async (stand) => {
    const { server } = stand;
    const before = await errors(stand, 'OOM');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1mb');
    await realTime(400);
    await stand.until(async () => (await errors(stand, 'OOM')) > before, provenMs);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    return (await errors(stand, 'OOM')) - before;
  },
  'foreign messages': async (stand) => {
    for (const text of foreignPushes) await stand.server.command('PUBLISH', 'faults:{room0}', text);
    for (const channel of (await stand.server.command('PUBSUB', 'CHANNELS', 'faults:node:*')) as string[]) {
      for (const text of foreignPushes) await stand.server.command('PUBLISH', channel, text);
    }
    let malformed = 0;
    await stand.until(async () => {
      malformed = Math.min(...(await stand.statuses()).map(({ metrics }) => metrics.malformed));
      return malformed > 0;
    }, provenMs);
    return malformed;
  },
  'a newer version beside it, and back': async (stand) => {
    let replaced = 0;
    for (const isNewer of [true, false]) {
      for (let at = 0; at < stand.nodes.length; at += 1) {
        // A rolling restart: the old one drains, the other one is there.
        const old = stand.nodes[at] as NodeProcess;
        const next = await stand.startNode(at, { isNewer });
        stand.nodes[at] = next;
        await old.end('SIGTERM');
        replaced += 1;
      }
    }
    return replaced;
  },
};

async function errors(stand: Stand, code: string): Promise<number> {
  const text = String(await stand.server.command('INFO', 'errorstats'));
  return Number(new RegExp(`^errorstat_${code}:count=(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** After these a log does not give everything back: receivers are told of a loss. */
export const lossy: ReadonlySet<string> = new Set([
  'server killed, comes back empty',
  'server killed, comes back old, while one process slept',
  'all keys deleted',
  'history trimmed while one process slept',
]);
