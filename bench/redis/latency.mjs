/** How long a message takes to another node, beside a PING, one at a time on an idle server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { command, connected, subscriber } from './bare.mjs';
import { message, Node } from './node.mjs';

const [warmUps, samples] = [500, 800];
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
  const bare = async (where) => {
    socket.write(command('PUBLISH', `lat ${where}`, message(false).payload.text));
    await once(socket, 'data');
  };
  const timed = (run) => async () => {
    const start = now();
    await run();
    return msFrom(start, now());
  };
  const kinds = {
    ping: timed(async () => {
      socket.write(command('PING'));
      await once(socket, 'data');
    }),
    'ping by @redis/client': timed(() => admin.ping()),
    'published, saved': async () => {
      const arriving = arrived.far();
      const ms = await timed(() => layer(true)('far'))();
      await arriving;
      return ms;
    },
  };
  for (const where of ['near', 'far']) {
    kinds[`bare PUBLISH ${where}`] = reaches(where, bare);
    kinds[`unsaved ${where}`] = reaches(where, layer(false));
    kinds[`saved ${where}`] = reaches(where, layer(true));
  }
  const all = await measured(kinds);
  listener.send('stop');
  socket.destroy();
  await Promise.all([node.layer.close(), near.layer.close()]);
  const p50 = (kind) => all.get(kind).toSorted((one, other) => one - other)[samples >> 1];
  const [ping, byClient] = [p50('ping'), p50('ping by @redis/client')];
  const times = (kind) =>
    `${p50(kind).toFixed(3)} ms (${(p50(kind) / ping).toFixed(2)} × PING, ${(p50(kind) / byClient).toFixed(2)} × by the client)`;
  print(`\np50 idle: PING ${ping.toFixed(3)} ms on a bare socket, ${byClient.toFixed(3)} by @redis/client`);
  for (const where of ['near', 'far']) {
    print(`  to another node in ${where === 'near' ? 'the same' : 'another'} process:`);
    for (const kind of ['bare PUBLISH', 'unsaved', 'saved'])
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
