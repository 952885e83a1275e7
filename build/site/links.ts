/** Finds what leads nowhere: in Markdown, links to files and sections; in a built site, links between its pages. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, resolve } from 'node:path';

/** The anchor that a heading gets at GitHub, and in the site, which uses this very function. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** The anchors of a Markdown text. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = slugOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''));
    let anchor = slug;
    for (let twin = 1; anchors.has(anchor); twin += 1) anchor = `${slug}-${twin}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Where a Markdown text leads: links and pictures, code left out. */
export function linksOf(markdown: string): string[] {
  const text = withoutFences(markdown).replaceAll(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length));
  return [...text.matchAll(/\]\(\s*<?([^)\s>]+)/g)].map((match) => match[1] as string);
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^( {0,3})(`{3,}|~{3,})[^]*?^\s*\2\s*$/gm, '');
}

/**
 * One line for each link of a document that leads to no file of the repository, or to no section of it.
 * @param path of the document, from `root`
 */
export function brokenLinks(root: string, path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  return linksOf(text).flatMap((link) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
    if (target.startsWith('..') || !existsSync(join(root, target))) return [`${path}: ${link} leads to no file`];
    if (anchor === undefined || !target.endsWith('.md')) return [];
    return anchorsOf(readFileSync(join(root, target), 'utf8')).has(anchor)
      ? []
      : [`${path}: ${link} leads to no section`];
  });
}

/**
 * The same of a built site.
 * @param pages path of each page from the site's root, and its HTML
 * @param exists whether the site has such a file
 */
export function brokenPageLinks(pages: ReadonlyMap<string, string>, exists: (path: string) => boolean): string[] {
  const ids = new Map([...pages].map(([path, html]) => [path, idsOf(html)]));
  return [...pages].flatMap(([path, html]) => {
    const links = [...html.matchAll(/\s(?:href|src)="([^"]+)"/g)].map((match) =>
      (match[1] as string).replaceAll('&amp;', '&'),
    );
    return links.flatMap((link) => {
      if (/^([a-z]+:|\/\/)/.test(link)) return [];
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : relative('/', resolve('/', dirname(path), decodeURIComponent(file)));
      const page = [target, `${target}.html`, join(target, 'index.html')].find((candidate) => ids.has(candidate));
      if (page === undefined) return exists(target) ? [] : [`${path}: ${link} leads nowhere`];
      const isThere = anchor === undefined || anchor === '' || ids.get(page)?.has(decodeURIComponent(anchor)) === true;
      return isThere ? [] : [`${path}: ${link} leads to no section`];
    });
  });
}

function idsOf(html: string): ReadonlySet<string> {
  return new Set([...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1] as string));
}
