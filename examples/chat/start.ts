/** The main job, `npm start`: the chat server in a process of its own, a crowd of clients, a verdict, a report. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const server = startServer();
const target = await addressOf(server);
process.stderr.write(`the chat server runs in process ${server.pid} on ${target}\n`);

const report = 'artifacts/chat-crowd.html';
mkdirSync('artifacts', { recursive: true });
// Ctrl-C reaches the load as well, which then ends by itself with what it has.
process.on('SIGINT', () => {});
const load = spawn(
  process.execPath,
  [here('../../load/cli.js'), 'load', here('crowd.js'), '--target', target, '--html', report, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
const [code] = (await once(load, 'exit')) as [number | null];

server.disconnect();
await once(server, 'exit');
process.exitCode = code ?? 1;

/** In a process group of its own, so that Ctrl-C does not end it before its clients; it ends with this process. */
function startServer(): ChildProcess {
  return spawn(process.execPath, [here('server.js'), '--port', '0', '--no-rate-limit'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    detached: true,
  });
}

async function addressOf(child: ChildProcess): Promise<string> {
  child.once('exit', (exitCode) => {
    process.stderr.write(`the chat server ended with ${exitCode ?? 'a signal'} before it was asked to\n`);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    const found = /http:\/\/\S+:\d+/.exec(line);
    if (found !== null) {
      child.removeAllListeners('exit');
      return found[0].replace('http', 'ws');
    }
  }
  throw new Error('the chat server told no address');
}
