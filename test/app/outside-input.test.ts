import { App, consumer, type Position } from 'channelbox';
import { WebSocket as Client } from 'ws';
import { expect, test } from 'vitest';

const positionOf = (query: URLSearchParams): Position | undefined =>
  query.has('epoch') ? { epoch: query.get('epoch') ?? '', offset: Number(query.get('offset')) } : undefined;

test.each([
  ['a group name that is too long', `/room/${'x'.repeat(256)}`, 1008],
  ['an offset that is no number', '/feed/a?epoch=e&offset=abc', 1008],
  ['an offset below 0', '/feed/a?epoch=e&offset=-1', 1008],
  ['one that a middleware meets', `/early/${'x'.repeat(256)}`, 400],
])('%s, which a stranger can send at will, is refused and no error of the app', async (_what, path, code) => {
  const entries: [string, string][] = [];
  const errors: unknown[] = [];
  const log = (level: string) => (message: string) => void entries.push([level, message]);
  const app = new App({
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    onError: (error) => void errors.push(error),
  });
  app.addWsRoute(
    consumer('/room/{name}', {
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
    }),
  );
  app.addWsRoute(
    consumer('/feed/{name}', {
      async onConnect(ws) {
        await ws.accept();
        await this.resumeGroup(ws.params.name, { since: positionOf(ws.query) });
      },
    }),
  );
  app.wsRoute('/early/{name}', async (ws, { name }) => {
    await ws.join(name);
    await ws.accept();
  });
  const { port } = await app.listen(0, '127.0.0.1');

  const ended = await new Promise<number>((resolve) => {
    const client = new Client(`ws://127.0.0.1:${port}${path}`);
    client.on('close', resolve);
    client.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
  });
  await app.close();

  expect(ended).toBe(code);
  expect(errors).toEqual([]);
  expect(entries.filter(([level]) => level === 'error')).toEqual([]);
  expect(entries).toContainEqual(['info', expect.stringMatching(/refused/)]);
  expect(app.inspect().counters).toMatchObject({ errors: 0 });
});
