/** One chat process of several: what it is to the others is all in `redisLayer`. */
import { redisLayer } from 'channelbox/redis';
import { createChat } from '../chat/chat.ts';
import { pageFiles } from '../chat/page-files.ts';

const { PORT = '8080', HOST = '127.0.0.1', REDIS_URL } = process.env;
const layer = redisLayer({ url: REDIS_URL, prefix: 'chat' });
const app = createChat({
  layer,
  http: pageFiles(),
  ...(process.env['NO_RATE_LIMIT'] === '1' ? { rateLimit: false } : {}),
});

layer.onHealth(({ status, reason }) => tell(`${status}${reason === undefined ? '' : `: ${reason}`}`));
process.once('SIGTERM', stop);
process.once('disconnect', stop);
// Ctrl-C reaches the whole group; the process that started this one says when to end.
process.on('SIGINT', () => {});

try {
  const { port } = await app.listen(Number(PORT), HOST);
  process.send?.({ port });
} catch (error) {
  tell((error as Error).message);
  process.exit(1);
}

/** Clients are told to come back (1012), a batch at a time: they find another process, and read on there. */
function stop(): void {
  void app
    .drain({ withinMs: 3_000 })
    .then(() => app.close())
    .then(() => process.exit(0));
}

function tell(text: string): void {
  process.stderr.write(`chat ${process.pid} (${layer.node}): ${text}\n`);
}
