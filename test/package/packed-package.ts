/** Unpacks the package, as it would be published from this checkout, where a stranger would have it. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { root, succeed } from './run.ts';

/**
 * The folder of the built package, the same for all tests of a run: no test writes into what is there. It lies in the
 * checkout, so `ws` is found, and it is called channelbox, so that files put in a folder beside `dist` find the doors by name.
 */
export async function builtPackage(): Promise<string> {
  const response = await fetch(inject('builtPackageUrl'));
  const answer = await response.text();
  if (!response.ok) throw new Error(answer);
  return answer;
}

/** A folder outside the checkout with the packed package in its `node_modules`, and what it needs to run and to be compiled. */
export interface Consumer extends AsyncDisposable {
  readonly folder: string;
  /** The unpacked package. */
  readonly installed: string;
}

/**
 * Installs without a network: the package from its own tarball, the rest as links into this checkout's `node_modules`.
 * @param links packages besides `ws` and `@types/node` that this consumer has.
 */
export async function packedPackage(links: readonly string[] = []): Promise<Consumer> {
  const built = await builtPackage();
  const folder = await mkdtemp(join(tmpdir(), 'channelbox-consumer-'));
  const installed = join(folder, 'node_modules/channelbox');
  await mkdir(installed, { recursive: true });
  const { name, version } = await packageFacts();
  const tarball = join(built, `${name}-${version}.tgz`);
  await succeed('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'], folder);
  for (const name of ['ws', '@types/node', ...links]) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link, 'dir');
  }
  return { folder, installed, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

export async function packageFacts(): Promise<PackageFacts> {
  const { default: facts } = (await import('../../package.json', { with: { type: 'json' } })) as {
    default: PackageFacts;
  };
  return facts;
}
