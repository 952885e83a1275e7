/** What a publish costs Redis: processor time with one node and with sixteen, and commands. */
import { createClient } from '@redis/client';
import { message, Node } from './node.mjs';

const [rounds, count, burst] = [15, 400, 16];
const fleets = [1, 16];

export async function serverCost({ admin, url, print }) {
  const groups = Array.from({ length: burst }, (_, at) => `room ${at}`);
  const kinds = new Map();
  const ends = [];
  for (const size of fleets) {
    const { nodes, publish } = await started(url, size, groups);
    const together = (each) => () => Promise.all(groups.map(async (group) => publish(each(group))));
    kinds.set(`alone ${size}`, { run: () => publish('room 0') });
    kinds.set(`together ${size}`, { run: together((group) => group), of: burst });
    kinds.set(`in one group ${size}`, { run: together(() => 'room 0'), of: burst });
    const bare = await subscribers(url, size);
    kinds.set(`bare ${size}`, { run: () => admin.publish(`bare ${size}`, 'x'.repeat(200)) });
    ends.push(
      () => Promise.all(nodes.map((node) => node.layer.close())),
      () => bare.map((client) => client.destroy()),
    );
  }
  const all = await measured(admin, kinds);
  for (const end of ends) await end();
  const median = (values) => values.toSorted((one, other) => one - other)[values.length >> 1];
  const compared = (name, what) => {
    const [few, many] = fleets.map((size) => all.get(`${name} ${size}`).map((cost) => cost[what]));
    const ratio = median(many.map((cost, round) => cost / few[round]));
    return `${median(few).toFixed(0)} µs with 1 node, ${median(many).toFixed(0)} with 16 (${ratio.toFixed(2)} ×)`;
  };
  print(`\nRedis's processor time for a saved publish, one at a time, medians of ${rounds} rounds in turn:`);
  print(`  the command (commandstats): ${compared('alone', 'command')}`);
  print(`  the whole process: ${compared('alone', 'cpu')}`);
  print(`  … one to each of 16 groups in a turn: ${compared('together', 'cpu')}`);
  print(`  … 16 to one group in a turn: ${compared('in one group', 'cpu')}`);
  print(`  beside a bare PUBLISH, the command: ${compared('bare', 'command')}`);
  print(`  … the whole process: ${compared('bare', 'cpu')}`);
  const calls = (name) => median(all.get(`${name} 1`).map((cost) => cost.calls));
  print(
    `commands a publish: ${calls('alone').toFixed(3)} one at a time, ${calls('in one group').toFixed(4)} in bursts of 16 to one group`,
  );
}

async function started(url, size, groups) {
  const nodes = Array.from({ length: size }, () => new Node(url, `cpu${size}`));
  await Promise.all(nodes.map(async ({ opening }) => opening));
  await Promise.all(nodes.flatMap((node) => groups.map((group) => node.join(group))));
  return { nodes, publish: (group) => nodes[0].layer.publish(group, message(true)) };
}

async function subscribers(url, size) {
  const clients = Array.from({ length: size }, () => createClient({ url }));
  await Promise.all(clients.map(async (client) => client.connect()));
  await Promise.all(clients.map(async (client) => client.subscribe(`bare ${size}`, () => {})));
  return clients;
}

/** Of each kind so many publishes a round, in another order each time: a machine that is slow for a while is so for all. */
async function measured(admin, kinds) {
  const all = new Map([...kinds.keys()].map((kind) => [kind, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [kind, { run, of = 1 }] of [...kinds].toSorted(() => Math.random() - 0.5)) {
      const cost = await costOf(admin, count / of, run, of);
      if (round >= 0) all.get(kind).push(cost);
    }
  }
  return all;
}

/** Of one publish, in µs, and in commands of a client. */
async function costOf(admin, times, run, of) {
  const before = await stateOf(admin);
  for (let done = 0; done < times; done += 1) await run();
  const after = await stateOf(admin);
  const [cpu, script, publish, calls] = ['cpu', 'script', 'publish', 'calls'].map(
    (what) => (after[what] - before[what]) / times / of,
  );
  // What a script publishes is counted in its own time too.
  return { cpu, command: calls > 0 ? script : publish, calls };
}

async function stateOf(admin) {
  const text = `${await admin.info('cpu')}\n${await admin.info('commandstats')}`;
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    cpu: 1e6 * (number(/used_cpu_user:([\d.]+)/) + number(/used_cpu_sys:([\d.]+)/)),
    script: number(/cmdstat_evalsha:calls=\d+,usec=(\d+)/),
    publish: number(/cmdstat_publish:calls=\d+,usec=(\d+)/),
    calls: number(/cmdstat_evalsha:calls=(\d+)/),
  };
}
