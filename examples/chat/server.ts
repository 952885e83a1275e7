import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { metricsText } from 'channelbox';
import { createChat } from './chat.ts';
import { pageFiles } from './page-files.ts';

const usage = `Serves the chat page and its sockets.

  --port <number>   default 8080; 0 takes a free one
  --host <address>  default 127.0.0.1; 0.0.0.0 lets other machines in
  --metrics <port>  serves /metrics there, to this machine alone; default: nowhere
  --no-rate-limit   lets clients send as fast as they like: for a load test
  --help
`;

const { values } = readArguments();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  fail(`--port is ${values.port}; allowed is a whole number from 0 to 65535`);
}

const app = createChat({
  http: pageFiles(),
  ...(values['no-rate-limit'] ? { rateLimit: false } : {}),
});

try {
  const address = await app.listen(port, values.host);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  process.stdout.write(`chat on http://${host}:${address.port}/\n`);
} catch (error) {
  fail(`cannot listen on ${values.host}:${port}: ${(error as Error).message}\nchoose another with --port`);
}

const metrics = createServer((_request, response) => {
  response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  response.end(metricsText(app));
});
if (values.metrics !== undefined) {
  metrics.on('error', (error) => fail(`cannot serve metrics: ${error.message}`));
  metrics.listen(Number(values.metrics), '127.0.0.1');
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
// Started by another program, it does not outlive it.
if (process.channel !== undefined) process.on('disconnect', onSignal);

function onSignal(): void {
  // A second signal ends it at once, as if nobody listened.
  process.off('SIGINT', onSignal);
  process.off('SIGTERM', onSignal);
  void stop();
}

/** Clients are told to come back (1012), a batch at a time; whoever has not gone after 5 s is cut off. */
async function stop(): Promise<void> {
  const { closed, terminated } = await app.drain({ withinMs: 5_000 });
  await app.close();
  metrics.close();
  process.stdout.write(`closed ${closed} connections in order, cut off ${terminated}\n`);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '8080' },
        host: { type: 'string', default: '127.0.0.1' },
        metrics: { type: 'string' },
        'no-rate-limit': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${usage}`);
  }
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
