/** Lays out what the site is built from: the documents with their links made fit for it, and the reference. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { referencePage } from '../reference/page.ts';
import type { Survey } from '../reference/survey.ts';

/** Documents outside of docs that are pages too, by where they stand in the site. */
const others: ReadonlyMap<string, string> = new Map([
  ['README.md', 'index.md'],
  ['CHANGELOG.md', 'changelog.md'],
  ['CONTRIBUTING.md', 'contributing.md'],
]);

/**
 * Writes the pages into a folder, anew.
 * @param repository address of the sources, for links to files that are no pages
 */
export function layOutPages(root: string, folder: string, { doors }: Survey, repository: string): void {
  rmSync(folder, { recursive: true, force: true });
  const docs = readdirSync(join(root, 'docs'), { encoding: 'utf8' });
  const places = new Map([
    ...others,
    ...docs.filter((name) => name.endsWith('.md')).map((name) => [`docs/${name}`, name] as const),
  ]);
  for (const [path, place] of places) {
    const text = readFileSync(join(root, path), 'utf8');
    write(join(folder, place), relinked(text, { path, place, places, repository }));
  }
  for (const name of docs.filter((file) => /\.(svg|png)$/.test(file)))
    cpSync(join(root, 'docs', name), join(folder, name));
  for (const door of doors) {
    const place = `reference/${door.name.replaceAll('/', '-')}.md`;
    const text = referencePage(door, `${repository}/blob/main`);
    write(join(folder, place), relinked(text, { path: place, place, places, repository }));
  }
}

interface Place {
  /** Where the text stands in the repository, and where in the site. */
  readonly path: string;
  readonly place: string;
  readonly places: ReadonlyMap<string, string>;
  readonly repository: string;
}

/** Relative links that lead to a page lead to it in the site, to a picture of docs likewise; all others lead to the repository. */
function relinked(text: string, { path, place, places, repository }: Place): string {
  return text
    .replaceAll(/^<!--[^]*?-->\n?/gm, '')
    .split(/(^```[^]*?^```$)/m)
    .map((part, at) =>
      at % 2 === 1
        ? part
        : part.replaceAll(/(\]\()([^)\s]+)(\))/g, (_all, open: string, link: string, close: string) => {
            return `${open}${moved(link)}${close}`;
          }),
    )
    .join('');

  function moved(link: string): string {
    const own = `${repository}/blob/main/`;
    const [file = '', anchor] = link.startsWith(own) ? [`/${link.slice(own.length)}`] : link.split('#');
    if (file === '' || /^[a-z]+:/.test(file)) return link;
    const target = file.startsWith('/') ? file.slice(1) : normalize(join(dirname(path), file));
    const hash = anchor === undefined ? '' : `#${anchor}`;
    const page = places.get(target) ?? /^docs\/([^/]+\.(?:svg|png))$/.exec(target)?.[1];
    if (page === undefined) return `${repository}/blob/main/${target}${hash}`;
    const way = relative(dirname(place), page);
    return `${way.startsWith('.') ? way : `./${way}`}${hash}`;
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
