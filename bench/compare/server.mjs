import { onLines, say } from './lines.mjs';
import { messagesOf } from './messages.mjs';

/**
 * The process under test: one variant in one role. It is told on standard input what to do; what it costs is its own
 * `getrusage`, read when asked.
 */
const setup = JSON.parse(process.argv[2] ?? '{}');
const { serve } = await import(`./variants/${setup.module}.mjs`);
const { port, publish } = await serve(setup);

const orders = {
  mark: () => say({ did: 'mark', ...usage() }),
  run: async ({ bytes, publishes, burst, intervalMs, group = 'room' }) => {
    const messages = messagesOf(bytes);
    let done = 0;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        for (let at = 0; at < burst; at += 1, done += 1) publish(group, messages[done % messages.length]);
        if (done < publishes) return;
        clearInterval(timer);
        resolve();
      }, intervalMs);
    });
    say({ did: 'run' });
  },
  memory: () => {
    const collect = globalThis.gc ?? (() => globalThis.Bun?.gc(true));
    collect();
    collect();
    const { rss, heapUsed } = process.memoryUsage();
    say({ did: 'memory', rss, heapUsed });
  },
  end: () => process.exit(0),
};

onLines(process.stdin, (order) => void orders[order.do](order));
process.stdin.on('end', () => process.exit(0));
say({ did: 'listen', port });

function usage() {
  const { user, system } = process.cpuUsage();
  return { user, system };
}
