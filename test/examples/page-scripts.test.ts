import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, runNode, type Outcome } from '../package/run.ts';

const page = join(root, 'examples/chat/page');

function compile(folder: string): Promise<Outcome> {
  return runNode([join(root, 'node_modules/typescript/bin/tsc'), '-p', join(folder, 'jsconfig.json')], root);
}

describe("the chat page's scripts, which no build step looks at", () => {
  test('agree with their types', async () => {
    expect(await compile(page)).toMatchObject({ code: 0, output: '' });
  });

  test('would not, with a wrong call in one of them', async () => {
    const folder = join(root, 'artifacts', `page-scripts-${process.pid}`);
    try {
      await cp(page, folder, { recursive: true });
      const file = join(folder, 'conversation.js');
      await writeFile(
        file,
        (await readFile(file, 'utf8')).replace('this.#client.send(message)', 'this.#client.send(7)'),
      );

      expect((await compile(folder)).output).toMatch(/conversation\.js.*error TS2345/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
