/** How long a message takes to another node, beside a PING, one at a time on an idle server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DirectPort } from '../../dist/src/layer/redis/broker/direct-port.js';
import { command, connected, subscriber } from './bare.mjs';
import { message, Node } from './node.mjs';

const [warmUps, samples] = [500, 600];
/** What a saved publish asks of Redis, with nothing in between. */
const script = `
redis.call('HMGET', KEYS[1], 'epoch', 'offset')
redis.call('TIME')
redis.call('XADD', KEYS[2], 'MAXLEN', '=', '10000', '*', 'd', ARGV[2])
redis.call('HSET', KEYS[1], 'offset', '1')
return redis.call('PUBLISH', ARGV[1], ARGV[2])
`;
const now = () => process.hrtime.bigint();
const msFrom = (start, end) => Number(end - start) / 1e6;

export async function latency({ admin, url, print }) {
  const [node, near] = [new Node(url, 'lat'), new Node(url, 'lat')];
  await Promise.all([node.opening, near.opening]);
  await Promise.all([node.join('near'), near.join('near'), node.join('far')]);
  const listener = fork(fileURLToPath(new URL('listener.mjs', import.meta.url)), [url, 'lat']);
  await once(listener, 'message');
  let onNear = () => {};
  near.onDeliver = () => onNear(now());
  await subscriber(url, 'lat near', () => onNear(now()));
  const socket = await connected(url);
  const own = new DirectPort({ socket: { port: Number(new URL(url).port) } }, { pushed: () => {}, lost: () => {} });
  await own.connect();
  const arrived = {
    near: () =>
      new Promise((resolve) => {
        onNear = resolve;
      }),
    far: async () => {
      const [{ at }] = await once(listener, 'message');
      return BigInt(at);
    },
  };
  const reaches = (where, publish) => async () => {
    const arriving = arrived[where]();
    const start = now();
    const publishing = publish(where);
    const ms = msFrom(start, await arriving);
    await publishing;
    return ms;
  };
  const layer = (save) => (where) => node.layer.publish(where, message(save));
  const sha = await admin.sendCommand(['SCRIPT', 'LOAD', script]);
  const { text } = message(false).payload;
  const bare = async (...words) => {
    socket.write(command(...words));
    await once(socket, 'data');
  };
  const bareScript = (where) => bare('EVALSHA', sha, '2', 'lat hash', 'lat log', `lat ${where}`, text);
  const timed = (run) => async () => {
    const start = now();
    await run();
    return msFrom(start, now());
  };
  const kinds = {
    ping: timed(async () => {
      await bare('PING');
    }),
    'ping by the layer': timed(() => own.send(['PING'])),
    'ping by @redis/client': timed(() => admin.ping()),
    'published, saved': async () => {
      const arriving = arrived.far();
      const ms = await timed(() => layer(true)('far'))();
      await arriving;
      return ms;
    },
  };
  for (const where of ['near', 'far']) {
    kinds[`bare PUBLISH ${where}`] = reaches(where, () => bare('PUBLISH', `lat ${where}`, text));
    kinds[`bare script ${where}`] = reaches(where, bareScript);
    kinds[`unsaved ${where}`] = reaches(where, layer(false));
    kinds[`saved ${where}`] = reaches(where, layer(true));
  }
  const all = await measured(kinds);
  listener.send('stop');
  socket.destroy();
  own.close();
  await Promise.all([node.layer.close(), near.layer.close()]);
  const p50 = (kind) => all.get(kind).toSorted((one, other) => one - other)[samples >> 1];
  const pings = {
    'a bare socket': 'ping',
    "the layer's own": 'ping by the layer',
    '@redis/client': 'ping by @redis/client',
  };
  const times = (kind) => {
    const ratios = Object.entries(pings).map(([by, ping]) => `${(p50(kind) / p50(ping)).toFixed(2)} × by ${by}`);
    return `${p50(kind).toFixed(3)} ms, of a PING: ${ratios.join(', ')}`;
  };
  const each = Object.entries(pings).map(([by, ping]) => `${p50(ping).toFixed(3)} ms by ${by}`);
  print(`\np50 idle: a PING ${each.join(', ')}`);
  for (const where of ['near', 'far']) {
    print(`  to another node in ${where === 'near' ? 'the same' : 'another'} process:`);
    for (const kind of ['bare PUBLISH', 'unsaved', 'bare script', 'saved'])
      print(`    ${kind.padEnd(14)} ${times(`${kind} ${where}`)}`);
  }
  print(`  a saved publish resolved: ${times('published, saved')}`);
}

/** One of each in turn, each after the same pause: none has the quieter moment. */
async function measured(kinds) {
  const all = new Map(Object.keys(kinds).map((kind) => [kind, []]));
  for (let count = 0; count < warmUps + samples; count += 1) {
    for (const [kind, run] of Object.entries(kinds).toSorted(() => Math.random() - 0.5)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const ms = await run();
      if (count >= warmUps) all.get(kind).push(ms);
    }
  }
  return all;
}
