/** Builds the checkout, packs it as it would be published, and unpacks it where a stranger would have it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root: string = fileURLToPath(new URL('../../', import.meta.url));

/** What a tool said and how it ended; a tool that finds fault is a result, not an exception. */
export interface Outcome {
  readonly code: number;
  /** Both streams. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs Node on a file, without a shell. */
export async function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  return run(process.execPath, args, cwd);
}

export async function run(program: string, args: readonly string[], cwd: string): Promise<Outcome> {
  // attw and publint pack what they look at; packing must not build the project anew.
  const env = { ...process.env, npm_config_ignore_scripts: 'true', NO_COLOR: '1', FORCE_COLOR: '0' };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, output: stdout + stderr, stdout };
  } catch (error) {
    const failure = error as { readonly code?: unknown; readonly stdout?: string; readonly stderr?: string };
    if (typeof failure.code !== 'number') throw error;
    const { stdout = '', stderr = '' } = failure;
    return { code: failure.code, output: stdout + stderr, stdout };
  }
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
  // Inside the checkout, so that the bundler finds what it bundles; `artifacts` is ignored by git.
  await mkdir(join(root, 'artifacts'), { recursive: true });
  const stage = await mkdtemp(join(root, 'artifacts', 'package-'));
  const folder = await mkdtemp(join(tmpdir(), 'channelbox-consumer-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await succeed(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(stage, 'dist')], root);
    await succeed(process.execPath, [join(stage, 'dist/load/bundle.js'), join(stage, 'dist')], root);
    for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
      await cp(join(root, file), join(stage, file));
    await succeed('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], stage);
    const installed = join(folder, 'node_modules/channelbox');
    await mkdir(installed, { recursive: true });
    const { name, version } = await packageFacts();
    await succeed(
      'tar',
      ['-xzf', join(folder, `${name}-${version}.tgz`), '-C', installed, '--strip-components=1'],
      folder,
    );
    for (const name of ['ws', '@types/node', ...links]) {
      const link = join(folder, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(root, 'node_modules', name), link, 'dir');
    }
    return { folder, installed, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

interface PackageFacts {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

export async function packageFacts(): Promise<PackageFacts> {
  const { default: facts } = (await import('../../package.json', { with: { type: 'json' } })) as {
    default: PackageFacts;
  };
  return facts;
}

async function succeed(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
}
