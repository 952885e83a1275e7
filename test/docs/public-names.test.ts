import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gapsOf } from '../../build/reference/check.ts';
import { survey } from '../../build/reference/survey.ts';
import { root } from '../package/run.ts';

describe('what the exports of a package reach', () => {
  test('is found lacking where it is', async () => {
    const folder = join(root, 'artifacts', `planted-names-${process.pid}`);
    await mkdir(join(folder, 'src'), { recursive: true });
    const source = `
      class BoxError extends Error {}
      function check(): void { throw new BoxError('CHANNELBOX_HELPER'); }
      export interface Bare { readonly size: number }
      /** Is documented. */
      export class Half {
        bare(): void {}
        /** @throws {BoxError} \`CHANNELBOX_STALE\` */
        claims(): void {}
        /** Hides it in a helper. */
        hides(): void { check(); }
        /** Hides it in a private one. @throws {BoxError} \`CHANNELBOX_OWN\` */
        says(): void { this.#own(); }
        #own(): void { throw new BoxError('CHANNELBOX_OWN'); }
      }
    `;
    await writeFile(join(folder, 'src/index.ts'), source);
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { target: 'ES2023', lib: ['ES2023'], types: [], strict: true } }),
    );
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ exports: { '.': { types: './dist/src/index.d.ts' }, './package.json': './package.json' } }),
    );

    const gaps = gapsOf(survey(folder), folder).map((gap) => gap.replace(/^\S+ /, ''));
    await rm(folder, { recursive: true });

    expect(gaps).toEqual([
      'Bare has no docstring',
      'Half.bare has no docstring',
      'Half.claims says it throws CHANNELBOX_STALE, which nothing that it calls does',
      'Half.hides throws CHANNELBOX_HELPER and does not say so',
    ]);
  });
});
