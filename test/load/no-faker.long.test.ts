/** A payload where the package was installed without its optional peers. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packedPackage, type Consumer } from '../package/packed-package.ts';
import { runNode, type Outcome } from '../package/run.ts';
import { openEcho } from './echo-server.ts';

let consumer: Consumer;
beforeAll(async () => {
  consumer = await packedPackage([]);
});
afterAll(async () => {
  await consumer[Symbol.asyncDispose]();
});

async function loadWith(payload: string): Promise<Outcome> {
  await using server = await openEcho();
  const file = join(consumer.folder, 'program.mjs');
  await writeFile(
    file,
    `import { load } from 'channelbox/load';
     const scenario = { adapter: 'echo', clients: 1, duration: '300ms', deadline: '5s', payload: ${payload} };
     await load(scenario, { target: '${server.url}' }).then(
       ({ ledger }) => console.log('lost', ledger.lost, 'of some', ledger.expected > 0),
       ({ code, message }) => console.log(code, message),
     );`,
  );
  return await runNode([file], consumer.folder);
}

test('needs no faker unless it touches it', async () => {
  expect((await loadWith("() => 'hello'")).output).toContain('lost 0 of some true');
});

test('that touches faker says what to install', async () => {
  const { output } = await loadWith('({ faker }) => faker.lorem.word()');
  expect(output).toContain('CHANNELBOX_NO_PEER');
  expect(output).toContain('npm install');
});
