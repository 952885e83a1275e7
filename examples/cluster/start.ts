/** Several chat processes behind one port, on one Redis: `npm run chat:cluster`. */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { OwnRedis } from './own-redis.ts';
import { rehearse, rehearseWithoutResume } from './rehearsal.ts';

const usage = `Serves the chat from several processes behind one port.

  --processes <n>   default 3
  --port <number>   default 8080
  --redis <url>     default $REDIS_URL, else a redis-server of its own
  --no-rate-limit   for a load test
  --rehearse        people chat, the processes are restarted, one is killed; ends with 0 where nobody missed anything
  --without-resume  with --rehearse: people who come back ask for nothing; says what they lost, 0 where nobody else did

While it runs: kill -HUP ${process.pid} replaces the processes one after another; a process that dies is replaced too.
`;

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '3' },
    port: { type: 'string', default: '8080' },
    redis: { type: 'string' },
    'no-rate-limit': { type: 'boolean', default: false },
    rehearse: { type: 'boolean', default: false },
    'without-resume': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

let isStopping = false;
// From here on, whenever it is told to end: nothing may be left behind.
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());

const given = values.redis ?? process.env['REDIS_URL'];
const starting = given === undefined ? OwnRedis.start() : Promise.resolve(undefined);
const url = given ?? (await starting)?.url;
if (url === undefined) {
  process.stderr.write('no redis-server is installed (apt-get install redis-server), and --redis names none\n');
  process.exit(2);
}

cluster.setupPrimary({ exec: fileURLToPath(new URL('./server.js', import.meta.url)) });
// Each connection goes to the next process, so that people of one room are on all of them.
cluster.schedulingPolicy = cluster.SCHED_RR;
cluster.on('exit', (worker, code, signal) => {
  if (isStopping || worker.exitedAfterDisconnect) return;
  process.stderr.write(`process ${worker.process.pid} ended with ${signal ?? code}; another takes its place\n`);
  void fork();
});

const workers = isStopping ? [] : await Promise.all(Array.from({ length: Number(values.processes) }, fork));
if (!isStopping) {
  process.stdout.write(`chat on http://127.0.0.1:${values.port}/ by processes ${workers.map(pidOf).join(' ')}\n`);
  process.on('SIGHUP', () => void replaceAll());
  if (values.rehearse) {
    const rehearsal = values['without-resume'] ? rehearseWithoutResume : rehearse;
    await stop(await rehearsal(`ws://127.0.0.1:${values.port}`, { restart: replaceAll, kill: killOne }));
  }
}

/** Resolves when it listens, which it does when it has its Redis. */
async function fork(): Promise<Worker> {
  const worker = cluster.fork({
    PORT: values.port,
    REDIS_URL: url,
    ...(values['no-rate-limit'] || values.rehearse ? { NO_RATE_LIMIT: '1' } : {}),
  });
  await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
  return worker;
}

/** A rolling restart: a new one is there before an old one is asked to go. */
async function replaceAll(): Promise<void> {
  for (const worker of Object.values(cluster.workers ?? {})) {
    if (worker === undefined || isStopping) continue;
    const next = await fork();
    const ended = once(worker, 'exit');
    worker.exitedAfterDisconnect = true;
    worker.process.kill('SIGTERM');
    await ended;
    process.stdout.write(`process ${pidOf(worker)} was replaced by ${pidOf(next)}\n`);
  }
  process.stdout.write('all processes were replaced\n');
}

/** As a machine does that is gone. */
async function killOne(): Promise<void> {
  const [worker] = Object.values(cluster.workers ?? {}).flatMap((one) => one ?? []);
  if (worker === undefined) return;
  const ended = once(worker, 'exit');
  worker.process.kill('SIGKILL');
  await ended;
}

async function stop(code = 0): Promise<void> {
  isStopping = true;
  const all = Object.values(cluster.workers ?? {}).flatMap((worker) => worker ?? []);
  await Promise.all(
    all.map(async (worker) => {
      const ended = once(worker, 'exit');
      worker.process.kill('SIGTERM');
      await ended;
    }),
  );
  await (await starting)?.stop();
  process.exit(code);
}

function pidOf(worker: Worker): number | undefined {
  return worker.process.pid;
}
