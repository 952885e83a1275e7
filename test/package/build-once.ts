/**
 * Builds the checkout once a run, when the first test asks for it: `globalSetup` of vitest.config.ts. The workers are
 * processes of their own, so they ask over loopback, and whoever comes while it is built waits for the same answer.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root, succeed } from './run.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers with the folder of the built package. */
    readonly builtPackageUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let building: Promise<string> | undefined;
  const server = createServer((_request, response) => {
    building ??= buildPackage();
    building.then(
      (folder) => response.end(folder),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  project.provide('builtPackageUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return async () => {
    server.close();
    server.closeAllConnections();
    const folder = await building?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
}

/** `package.json`, `dist` and what is published beside them, and the tarball of it all, in a folder of its own. */
async function buildPackage(): Promise<string> {
  // Inside the checkout, so that the bundler finds what it bundles; `artifacts` is ignored by git.
  await mkdir(join(root, 'artifacts'), { recursive: true });
  const folder = await mkdtemp(join(root, 'artifacts', 'package-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await succeed(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], root);
    await succeed(process.execPath, [join(folder, 'dist/build/bundle.js'), join(folder, 'dist')], root);
    const published = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs'];
    await Promise.all(published.map((file) => cp(join(root, file), join(folder, file), { recursive: true })));
    await succeed('npm', ['pack', '--ignore-scripts'], folder);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
