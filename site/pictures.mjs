/**
 * Draws every `.dot` of docs as an `.svg` beside it: text stays text, and the picture follows the reader's light or dark
 * scheme. The hash of its source is in the picture, so that a test can tell a picture that is older than its source.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { argv } from 'node:process';
import { instance } from '@viz-js/viz';

const folder = new URL('../docs/', import.meta.url);
const style = `
  text { font: 14px system-ui, sans-serif; fill: #1c2328; }
  .ground { fill: #ffffff; }
  .node path, .node polygon, .cluster polygon, .cluster path { fill: #f3f6f8; stroke: #5c6b75; }
  .cluster polygon, .cluster path { fill: none; stroke-dasharray: 4 4; }
  .own path, .own polygon { fill: #e2f1e6; }
  .outside path, .outside polygon { fill: #e9e6f5; }
  .edge text { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; }
  .edge path { stroke: #5c6b75; fill: none; }
  .edge polygon { stroke: #5c6b75; fill: #5c6b75; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ebee; }
    .ground { fill: #14181b; }
    .node path, .node polygon { fill: #20272c; stroke: #93a3ad; }
    .cluster polygon, .cluster path { stroke: #93a3ad; }
    .own path, .own polygon { fill: #1d3526; }
    .outside path, .outside polygon { fill: #2c2844; }
    .edge text { stroke: #14181b; }
    .edge path, .edge polygon { stroke: #93a3ad; }
    .edge polygon { fill: #93a3ad; }
  }`;

const renderer = await instance();
for (const name of (await readdir(folder)).filter((file) => file.endsWith('.dot')).toSorted()) {
  const source = await readFile(new URL(name, folder), 'utf8');
  await writeFile(new URL(name.replace(/dot$/, 'svg'), folder), drawn(source));
  if (argv.includes('--verbose')) console.log(name);
}

function drawn(source) {
  const title = /digraph "([^"]+)"/.exec(source)?.[1] ?? '';
  const svg = renderer.renderString(source, {
    format: 'svg',
    nodeAttributes: { shape: 'box', style: 'rounded,filled', fontname: 'Helvetica', fontsize: 16, margin: '0.18,0.09' },
    edgeAttributes: { fontname: 'Helvetica', fontsize: 16, arrowsize: 0.7 },
    graphAttributes: { bgcolor: 'transparent', fontname: 'Helvetica', fontsize: 16, pad: 0.2 },
  });
  const hash = createHash('sha256').update(source).digest('hex');
  const [, width, height] = /width="(\d+)pt" height="(\d+)pt"/.exec(svg) ?? [];
  return svg
    .replace(/^[^]*?<svg[^>]*viewBox="([^"]+)"[^>]*>/, (_all, box) => {
      const open = `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${title}" width="${width}" height="${height}" viewBox="${box}">`;
      return `${open}\n<!-- source sha256 ${hash} -->\n<style>${style}\n</style>\n<rect class="ground" width="100%" height="100%"/>`;
    })
    .replaceAll(/ (?:fill|stroke|font-family|font-size|xml:space)="[^"]*"/g, '')
    .replaceAll(/<!--(?! source)[^]*?-->\n?/g, '');
}
