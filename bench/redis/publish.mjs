/** What a saved publish takes of its process, new beside old: `node publish.mjs <dist> <dist of another build>`, in turn, medians and ratios. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { WebSocket } from 'ws';
import { intoRoom } from './room.mjs';

const [rounds, warmUps, publishes, rooms] = [7, 20_000, 20_000, 10];
const [first, second, url] = process.argv.slice(2);
if (url === undefined) await compare([first, second]);
else await measure(resolve(first), Number(second), url);

async function compare(dists) {
  const port = 20_000 + (process.pid % 20_000);
  const redis = spawn('redis-server', ['--port', String(port), '--save', ''], { stdio: 'ignore' });
  for (const together of [1, rooms]) {
    const taken = dists.map(() => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, dist] of dists.entries()) {
        const child = fork(fileURLToPath(import.meta.url), [dist, String(together), `redis://127.0.0.1:${port}`]);
        const [{ micros }] = await once(child, 'message');
        taken[at].push(micros);
      }
    }
    const [ones, others] = taken;
    const ratio = median(ones.map((one, round) => one / others[round]));
    process.stdout.write(
      `${together} at a time: ${median(ones).toFixed(1)} and ${median(others).toFixed(1)} µs of CPU a publish, ${ratio.toFixed(2)} ×\n`,
    );
  }
  redis.kill();
}

/** One process, one member a room, each publish waited for, so many at a time. */
async function measure(dist, together, url) {
  const load = (path) => import(pathToFileURL(`${dist}/src/${path}`).href);
  const [{ App, ChannelBox }, { redisLayer }] = [await load('index.js'), await load('redis.js')];
  const app = new App({ channelBox: new ChannelBox({ layer: redisLayer({ url, prefix: `p${process.pid}` }) }) });
  app.wsRoute('/room/{room}', intoRoom);
  const { port } = await app.listen(0, '127.0.0.1');
  for (let room = 0; room < rooms; room += 1)
    await once(new WebSocket(`ws://127.0.0.1:${port}/room/r${room}`), 'message');
  const text = 'x'.repeat(128);
  const run = async (count) => {
    for (let done = 0; done < count; done += together) {
      const sending = Array.from({ length: together }, (_, at) =>
        app.channelBox.groupSend(`r${(done + at) % rooms}`, text, { saveHistory: true }),
      );
      await Promise.all(sending);
    }
  };
  await run(warmUps);
  const before = process.cpuUsage();
  await run(publishes);
  const { user, system } = process.cpuUsage(before);
  process.send({ micros: (user + system) / publishes }, () => process.exit(0));
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}
