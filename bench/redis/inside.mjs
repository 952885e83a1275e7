/** What the layer costs by itself: latency beside PING, Redis's CPU, groups by the ten thousand. */
import { createClient } from '@redis/client';
import { SystemClock } from '../../dist/src/index.js';
import { redisLayer } from '../../dist/src/redis.js';

const bounds = { bytesMax: 1 << 20, countMax: 10_000, ttlMs: 86_400_000, totalBytesMax: 1 << 26 };
const slow = { leaseRenewMs: 60_000, leaseMs: 600_000, verifyMs: 0, deadlineMs: 60_000 };
const nobody = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };

/** As much of a box as a layer needs. */
class Node {
  groups = new Map();
  onDeliver = () => {};

  constructor(url, prefix) {
    this.layer = redisLayer({ url, prefix, ...slow });
    const clock = new SystemClock();
    let ids = 0;
    this.opening = this.layer.open({
      clock,
      bounds,
      uuid: () => `u${(ids += 1)}`,
      report: (error) => process.stderr.write(`${String(error)}\n`),
      wakeAt: (dueMs, wake) => clock.setTimeout(wake, dueMs - clock.monotonic()),
      local: {
        deliver: (group) => {
          this.onDeliver(group);
          return { ...nobody, members: 1, sent: 1 };
        },
        send: () => undefined,
        close: () => 0,
        missed: () => {},
        members: (group) => [...(this.groups.get(group) ?? [])],
        groups: () => this.groups.keys(),
        hasGroup: (group) => this.groups.has(group),
      },
    });
  }

  async join(group) {
    const member = { uuid: `${this.layer.node}.${group}`, node: this.layer.node, created: 0, metadata: {} };
    this.groups.set(group, [member]);
    await Promise.all([this.layer.subscribe(group), this.layer.announce(group, member)]);
  }
}

export async function inside({ url, print }) {
  const admin = createClient({ url });
  await admin.connect();
  await latency(admin, url, print);
  await redisCpu(admin, url, print);
  await groups(admin, url, print);
  admin.destroy();
}

const message = (save) => ({ payload: { kind: 'string', text: 'x'.repeat(128) }, except: [], save });

async function latency(admin, url, print) {
  const [one, other] = [new Node(url, 'lat'), new Node(url, 'lat')];
  await Promise.all([one.opening, other.opening]);
  await Promise.all([one.join('room'), other.join('room')]);
  const timed = async (run) => {
    const all = [];
    for (let count = 0; count < 600; count += 1) {
      const start = performance.now();
      await run();
      if (count >= 100) all.push(performance.now() - start);
    }
    return all.toSorted((a, b) => a - b)[250];
  };
  const arrives = (save) => () => {
    const arrived = new Promise((resolve) => (other.onDeliver = resolve));
    const publishing = one.layer.publish('room', message(save));
    return Promise.all([arrived, publishing]).then(() => {});
  };
  const reaches = (save) => () => {
    const arrived = new Promise((resolve) => (other.onDeliver = resolve));
    void one.layer.publish('room', message(save));
    return arrived;
  };
  const [ping, unsaved, saved, resolved] = [
    await timed(() => admin.ping()),
    await timed(reaches(false)),
    await timed(reaches(true)),
    await timed(arrives(true)),
  ];
  print(
    `\np50 idle: PING ${ping.toFixed(3)} ms; to another node unsaved ${unsaved.toFixed(3)} (${(unsaved / ping).toFixed(2)} × PING), saved ${saved.toFixed(3)} (${(saved / ping).toFixed(2)} ×), resolved ${resolved.toFixed(3)}`,
  );
  await Promise.all([one.layer.close(), other.layer.close()]);
}

async function cpuSeconds(admin) {
  const text = await admin.info('cpu');
  return Number(/used_cpu_user:([\d.]+)/.exec(text)[1]) + Number(/used_cpu_sys:([\d.]+)/.exec(text)[1]);
}

async function redisCpu(admin, url, print) {
  const cost = new Map();
  for (const nodes of [1, 16]) {
    const all = Array.from({ length: nodes }, () => new Node(url, `cpu${nodes}`));
    await Promise.all(all.map(async ({ opening }) => opening));
    await Promise.all(all.map((node) => node.join('room')));
    const start = await cpuSeconds(admin);
    for (let count = 0; count < 3_000; count += 1) await all[0].layer.publish('room', message(true));
    cost.set(nodes, ((await cpuSeconds(admin)) - start) / 3_000);
    await Promise.all(all.map(({ layer }) => layer.close()));
  }
  print(
    `Redis CPU of a saved publish, one at a time: ${(cost.get(1) * 1e6).toFixed(0)} µs with 1 node, ${(cost.get(16) * 1e6).toFixed(0)} with 16 (${(cost.get(16) / cost.get(1)).toFixed(2)} ×)`,
  );
}

async function groups(admin, url, print) {
  const used = async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))[1]);
  const node = new Node(url, 'many');
  await node.opening;
  const before = await used();
  const joinMs = await took(() => Promise.all(Array.from({ length: 10_000 }, (_, at) => node.join(`room ${at}`))));
  const joined = await used();
  await took(() =>
    Promise.all(Array.from({ length: 10_000 }, async (_, at) => node.layer.publish(`room ${at}`, message(true)))),
  );
  const written = await used();
  const bare = createClient({ url });
  await bare.connect();
  const names = Array.from({ length: 10_000 }, (_, at) => `bare ${at}`);
  const bareMs = await took(async () => {
    for (let at = 0; at < names.length; at += 500) await bare.subscribe(names.slice(at, at + 500), () => {});
  });
  bare.destroy();
  const killed = performance.now();
  const up = new Promise((resolve) => {
    const end = node.layer.onHealth(({ status }) => {
      if (status !== 'up') return;
      end();
      resolve();
    });
  });
  await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
  await up;
  const backMs = performance.now() - killed;
  print(
    `10 000 groups: joined in ${joinMs.toFixed(0)} ms; subscribed, placed and verified again ${backMs.toFixed(0)} ms after the connection was killed (bare SUBSCRIBE ${bareMs.toFixed(0)} ms)`,
  );
  print(
    `bytes of Redis: ${((joined - before) / 10_000).toFixed(0)} a group with one member, ${((written - joined) / 10_000).toFixed(0)} more for its first message of 128 bytes`,
  );
  await node.layer.close();
  const crowd = new Node(url, 'crowd');
  await crowd.opening;
  const crowdMs = await took(() => Promise.all(Array.from({ length: 100_000 }, (_, at) => crowd.join(`room ${at}`))));
  print(`100 000 joins of one turn: ${(crowdMs / 1_000).toFixed(1)} s, every one in time`);
  await crowd.layer.close();
}

async function took(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
