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

process.once('SIGINT', () => void app.close());
process.once('SIGTERM', () => void app.close());
