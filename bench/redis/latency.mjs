/** How long a message takes to another process, beside a PING, one at a time on an idle server. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import { message, Node } from './node.mjs';

const [warmUps, samples] = [500, 800];

export async function latency({ admin, url, port, print }) {
  const node = new Node(url, 'lat');
  await node.opening;
  await node.join('room');
  const listener = fork(fileURLToPath(new URL('listener.mjs', import.meta.url)), [url, 'lat']);
  await once(listener, 'message');
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const ping = Buffer.from('*1\r\n$4\r\nPING\r\n');
  const now = () => process.hrtime.bigint();
  const since = (start) => Number(now() - start) / 1e6;
  const reaches = (save) => async () => {
    const arrived = once(listener, 'message');
    const start = now();
    const publishing = node.layer.publish('room', message(save));
    const [{ at }] = await arrived;
    await publishing;
    return Number(BigInt(at) - start) / 1e6;
  };
  const kinds = {
    ping: async () => {
      const start = now();
      socket.write(ping);
      await once(socket, 'data');
      return since(start);
    },
    'ping by @redis/client': async () => {
      const start = now();
      await admin.ping();
      return since(start);
    },
    unsaved: reaches(false),
    saved: reaches(true),
    resolved: async () => {
      const arrived = once(listener, 'message');
      const start = now();
      await node.layer.publish('room', message(true));
      const ms = since(start);
      await arrived;
      return ms;
    },
  };
  const all = new Map(Object.keys(kinds).map((kind) => [kind, []]));
  // One of each in turn, each after the same pause: none has the quieter moment.
  for (let count = 0; count < warmUps + samples; count += 1) {
    for (const [kind, run] of Object.entries(kinds)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const ms = await run();
      if (count >= warmUps) all.get(kind).push(ms);
    }
  }
  const p50 = (kind) => all.get(kind).toSorted((one, other) => one - other)[samples >> 1];
  const times = (kind) => `${p50(kind).toFixed(3)} ms (${(p50(kind) / p50('ping')).toFixed(2)} × PING)`;
  print(
    `\np50 idle: PING ${p50('ping').toFixed(3)} ms on a bare socket, ${p50('ping by @redis/client').toFixed(3)} by @redis/client;` +
      ` to another process unsaved ${times('unsaved')}, saved ${times('saved')}; resolved ${times('resolved')}`,
  );
  listener.send('stop');
  socket.destroy();
  await node.layer.close();
}
