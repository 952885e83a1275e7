/**
 * `npm run docs`: draws the pictures, writes the reference from the docstrings, builds all documents into a static site
 * in artifacts/site, and ends with 1 where a public name lacks its docstring, a link leads nowhere or a page is missing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cwd, env, execPath, exit } from 'node:process';
import { gapsOf } from '../reference/check.ts';
import { survey } from '../reference/survey.ts';
import { brokenPageLinks } from './links.ts';
import { layOutPages } from './pages.ts';

const root = cwd();
const site = join(root, 'site');
const output = join(root, 'artifacts', 'site');
const { homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { homepage: string };

const names = survey(root);
refuse(gapsOf(names, root));
execFileSync(execPath, ['pictures.mjs'], { cwd: site, stdio: 'inherit' });
layOutPages(root, join(site, 'pages'), names, homepage.replace('#readme', ''));
execFileSync(execPath, ['node_modules/vitepress/bin/vitepress.js', 'build'], {
  cwd: site,
  stdio: 'inherit',
  env: { ...env, SITE_SLUGS: new URL('./links.js', import.meta.url).href },
});

const files = readdirSync(output, { recursive: true, encoding: 'utf8' });
const pages = files.filter((path) => path.endsWith('.html') && path !== '404.html');
const texts = new Map(pages.map((path) => [path, readFileSync(join(output, path), 'utf8')]));
refuse(brokenPageLinks(texts, (path) => existsSync(join(output, path))));
console.log(`${pages.length} pages in ${output}, every link and anchor followed`);

function refuse(faults: readonly string[]): void {
  if (faults.length === 0) return;
  console.error(faults.join('\n'));
  exit(1);
}
