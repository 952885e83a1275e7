/** What the layer costs by itself: latency beside PING, Redis's CPU, groups by the ten thousand. */
import { createClient } from '@redis/client';
import { latency } from './latency.mjs';
import { message, Node } from './node.mjs';
import { serverCost } from './server-cost.mjs';

export async function inside({ url, print }) {
  const admin = createClient({ url });
  await admin.connect();
  await latency({ admin, url, print });
  await serverCost({ admin, url, print });
  await groups(admin, url, print);
  await crowd(url, print);
  admin.destroy();
}

const count = 10_000;
const names = Array.from({ length: count }, (_, at) => `room ${at}`);

async function groups(admin, url, print) {
  const used = async () => Number(/used_memory:(\d+)/.exec(await admin.info('memory'))[1]);
  const node = new Node(url, 'many');
  await node.opening;
  const before = await used();
  const joinMs = await took(() => Promise.all(names.map((name) => node.join(name))));
  const joined = await used();
  await Promise.all(names.map((name) => node.join(name)));
  const doubled = await used();
  await Promise.all(names.map(async (name) => node.layer.publish(name, message(true))));
  const written = await used();
  const bareMs = await bareSubscribe(url);
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
    `10 000 groups: joined in ${joinMs.toFixed(0)} ms; subscribed, placed and verified again ${backMs.toFixed(0)} ms after the connection was killed (${(backMs / bareMs).toFixed(1)} × a bare SUBSCRIBE, ${bareMs.toFixed(0)} ms)`,
  );
  const each = (more) => (more / count).toFixed(0);
  print(
    `bytes of Redis: ${each(joined - before)} a group with one member, ${each(doubled - joined)} a further member, ${each(written - doubled)} more for its first message of 128 bytes`,
  );
  await node.layer.close();
}

async function bareSubscribe(url) {
  const bare = createClient({ url });
  await bare.connect();
  const ms = await took(async () => {
    for (let at = 0; at < names.length; at += 500) await bare.subscribe(names.slice(at, at + 500), () => {});
  });
  bare.destroy();
  return ms;
}

async function crowd(url, print) {
  const node = new Node(url, 'crowd');
  await node.opening;
  const ms = await took(() => Promise.all(Array.from({ length: 100_000 }, (_, at) => node.join(`room ${at}`))));
  print(`100 000 joins of one turn: ${(ms / 1_000).toFixed(1)} s, every one in time`);
  await node.layer.close();
}

async function took(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
