import { AsyncLocalStorage } from 'node:async_hooks';
import { App, type StandardSchemaV1 } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const who = new AsyncLocalStorage<string>();

/** A consumer and a handler behind a middleware that names each connection, and what each of their steps saw. */
function namingApp(): { readonly app: App; readonly seen: Record<string, (string | undefined)[]> } {
  const seen: Record<string, (string | undefined)[]> = {};
  const at = (step: string): void => void (seen[step] ??= []).push(who.getStore());
  const schema: StandardSchemaV1<unknown, number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        at('schema');
        return typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] };
      },
    },
  };
  const app = new App().addWsMiddleware((ws, next) => who.run(ws.query.get('who') ?? '', next));
  app.consumer('/consumer', {
    encoding: 'json',
    schema,
    expires: 60,
    async onConnect(ws) {
      at('onConnect');
      await ws.accept();
      at('after the accept');
      await this.joinGroup();
    },
    async onReceive(ws, data) {
      at('onReceive');
      await ws.sendJson(data);
      at('after a send');
      if (data === 0) await ws.app.channelBox.closeAllConnections();
    },
    onInvalid: () => at('onInvalid'),
    onDisconnect: () => at('onDisconnect'),
  });
  app.wsRoute('/handler', async (ws) => {
    ws.signal.addEventListener('abort', () => undefined);
    await ws.accept();
    for await (const _message of ws) at('for await');
    at('after the loop');
  });
  return { app, seen };
}

describe.each(['memory', 'tcp'] as const)('an AsyncLocalStorage entered around next(), over %s', (transport) => {
  test('is seen in every hook of that connection, and is its own', async () => {
    const { app, seen } = namingApp();
    await using t = testApp(app, { transport });
    const ann = await t.connect('/consumer?who=ann');
    const bob = await t.connect('/consumer?who=bob');
    ann.sendJson(1);
    await ann.expect(1);
    bob.sendJson('one');
    await t.settle();
    await ann.close();
    await bob.close();
    await t.settle();

    for (const step of ['onConnect', 'after the accept', 'schema', 'onDisconnect']) {
      expect(seen[step], step).toEqual(['ann', 'bob']);
    }
    expect([seen['onReceive'], seen['after a send'], seen['onInvalid']]).toEqual([['ann'], ['ann'], ['bob']]);
  });

  test('is that of the closed one, whoever closes it: another connection, a timer', async () => {
    const { app, seen } = namingApp();
    await using t = testApp(app, { transport });
    const [ann, bob] = [await t.connect('/consumer?who=ann'), await t.connect('/consumer?who=bob')];
    bob.sendJson(0);
    await ann.expectClosed();
    await bob.expectClosed();
    await t.settle();
    expect(seen['onDisconnect']?.toSorted()).toEqual(['ann', 'bob']);

    const cid = await t.connect('/consumer?who=cid');
    await t.clock.advance(60_001);
    await cid.expectClosed({ code: 4408 });
    await t.settle();
    expect(seen['onDisconnect']?.at(-1)).toBe('cid');
  });

  test('is seen by a handler to its end', async () => {
    const { app, seen } = namingApp();
    await using t = testApp(app, { transport });
    const ann = await t.connect('/handler?who=ann');
    ann.send('1');
    await t.settle();
    await ann.close();
    await t.settle();
    expect(seen).toMatchObject({ 'for await': ['ann'], 'after the loop': ['ann'] });
  });
});

test('what a schema refuses is told with its issues and their paths, and as text', async () => {
  const issues: unknown[] = [];
  const paths: readonly (readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined)[] = [
    ['user', { key: 'names' }, 0],
    undefined,
  ];
  const schema: StandardSchemaV1 = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => ({ issues: paths.map((path, index) => ({ message: `fault ${index}`, path })) }),
    },
  };
  const app = new App().consumer('/', {
    schema,
    onInvalid: (_ws, error) => void issues.push(error.kind, error.issues, error.message),
  });
  await using t = testApp(app);
  const ann = await t.connect('/');
  ann.send('x');
  await t.settle();
  expect(issues).toEqual([
    'refused-by-schema',
    [{ message: 'fault 0', path: ['user', 'names', 0] }, { message: 'fault 1' }],
    'the schema refuses the frame: user.names.0: fault 0; fault 1',
  ]);
});
