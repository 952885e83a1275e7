/** What a publish costs Redis: processor time with one node and with sixteen, and commands. */
import { createClient } from '@redis/client';
import { message, Node } from './node.mjs';

const [rounds, burst] = [2_000, 16];

export async function serverCost({ admin, url, print }) {
  const cost = new Map();
  for (const nodes of [1, 16]) {
    const bare = await bareCost(admin, url, nodes);
    const all = Array.from({ length: nodes }, () => new Node(url, `cpu${nodes}`));
    await Promise.all(all.map(async ({ opening }) => opening));
    const groups = Array.from({ length: burst }, (_, at) => `room ${at}`);
    await Promise.all(all.flatMap((node) => groups.map((group) => node.join(group))));
    const { layer } = all[0];
    const alone = await costOf(admin, rounds, () => layer.publish('room 0', message(true)));
    const together = await costOf(admin, rounds / burst, () =>
      Promise.all(groups.map(async (group) => layer.publish(group, message(true)))),
    );
    const inOneGroup = await costOf(admin, rounds / burst, () =>
      Promise.all(groups.map(async () => layer.publish('room 0', message(true)))),
    );
    cost.set(nodes, { bare, alone, together: by(together, burst), inOneGroup: by(inOneGroup, burst) });
    await Promise.all(all.map((node) => node.layer.close()));
  }
  const [one, many] = [cost.get(1), cost.get(16)];
  const compared = (name, what) =>
    `${one[name][what].toFixed(0)} µs with 1 node, ${many[name][what].toFixed(0)} with 16 (${(many[name][what] / one[name][what]).toFixed(2)} ×)`;
  print(`\nRedis CPU of a saved publish, one at a time: ${compared('alone', 'cpu')}`);
  print(`  of it in the command itself (commandstats): ${compared('alone', 'command')}`);
  print(`  one to each of 16 groups in a turn: ${compared('together', 'cpu')}`);
  print(`  16 to one group in a turn: ${compared('inOneGroup', 'cpu')}`);
  print(`  beside a bare PUBLISH, one at a time: ${compared('bare', 'cpu')}`);
  print(
    `commands a publish: ${one.alone.calls.toFixed(3)} one at a time, ${one.inOneGroup.calls.toFixed(4)} in bursts of 16 to one group`,
  );
}

const by = (cost, count) => ({ cpu: cost.cpu / count, command: cost.command / count, calls: cost.calls / count });

async function bareCost(admin, url, count) {
  const clients = Array.from({ length: count }, () => createClient({ url }));
  await Promise.all(clients.map(async (client) => client.connect()));
  await Promise.all(clients.map(async (client) => client.subscribe('bare', () => {})));
  const cost = await costOf(admin, rounds, () => admin.publish('bare', 'x'.repeat(200)));
  for (const client of clients) client.destroy();
  return cost;
}

/** Of one run, in µs, and in commands of a client. */
async function costOf(admin, count, run) {
  for (let warmUp = 0; warmUp < 50; warmUp += 1) await run();
  const before = await stateOf(admin);
  for (let done = 0; done < count; done += 1) await run();
  const after = await stateOf(admin);
  const [cpu, command, calls] = ['cpu', 'command', 'calls'].map((what) => (after[what] - before[what]) / count);
  return { cpu, command, calls };
}

async function stateOf(admin) {
  const text = `${await admin.info('cpu')}\n${await admin.info('commandstats')}`;
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    cpu: 1e6 * (number(/used_cpu_user:([\d.]+)/) + number(/used_cpu_sys:([\d.]+)/)),
    command: number(/cmdstat_evalsha:calls=\d+,usec=(\d+)/),
    calls: number(/cmdstat_evalsha:calls=(\d+)/),
  };
}
