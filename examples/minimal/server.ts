import { parseArgs } from 'node:util';
import { App } from 'channelbox';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });

const app = new App();
app.wsRoute('/echo', async (ws) => {
  await ws.accept();
  for await (const { data } of ws) await ws.send(data);
});

const { port } = await app.listen(Number(values.port), '127.0.0.1');
console.log(`minimal on http://127.0.0.1:${port}/`);

// Clients are told to come back (1012), a batch at a time; whoever has not gone after 5 s is cut off.
const stop = async (): Promise<void> => {
  await app.drain({ withinMs: 5_000 });
  await app.close();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
