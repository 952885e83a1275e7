import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitepress';

// The anchors of a page are those that GitHub gives it, so that a link works in both. Who starts the build says where they are made.
const { slugOf } = await import(process.env.SITE_SLUGS);

const pages = new URL('../pages/', import.meta.url);
const has = ({ link }) => existsSync(new URL(`${link.slice(1)}.md`, pages));
const reference = existsSync(new URL('reference/', pages)) ? readdirSync(new URL('reference/', pages)) : [];

const sidebar = [
  {
    text: 'Start',
    items: [
      { text: 'Building a service', link: '/guide' },
      { text: 'Testing', link: '/testing' },
      { text: 'Coming from another kit', link: '/testing-coming-from' },
      { text: 'Simulator', link: '/simulation' },
      { text: 'Load testing', link: '/load' },
      { text: 'Recipes', link: '/recipes' },
    ],
  },
  {
    text: 'Run it',
    items: [
      { text: 'Production', link: '/production' },
      { text: 'Several machines', link: '/scaling' },
      { text: 'Performance', link: '/performance' },
      { text: 'Performance: all cases', link: '/performance-cases' },
    ],
  },
  {
    text: 'Understand it',
    items: [
      { text: 'Architecture', link: '/architecture' },
      { text: 'Semantics', link: '/semantics' },
      { text: 'Comparison', link: '/comparison' },
      { text: 'Glossary', link: '/glossary' },
      { text: 'From Nexios', link: '/nexios' },
      { text: 'Contributing', link: '/contributing' },
      { text: 'Changes', link: '/changelog' },
    ],
  },
  {
    text: 'Reference',
    items: [
      { text: 'Errors', link: '/errors' },
      ...reference.map((file) => ({
        text: file.replace('.md', '').replaceAll('-', '/').replace('mock/socket', 'mock-socket'),
        link: `/reference/${file.replace('.md', '')}`,
      })),
    ],
  },
].map((group) => ({ ...group, items: group.items.filter(has) }));

const listed = new Set(sidebar.flatMap(({ items }) => items.map(({ link }) => `${link.slice(1)}.md`)));
const unlisted = readdirSync(pages).filter((file) => file.endsWith('.md') && file !== 'index.md' && !listed.has(file));
if (unlisted.length > 0) throw new Error(`these pages are in no list of the site: ${unlisted.join(', ')}`);

// oxlint-disable-next-line import/no-default-export -- the settings are what their file exports by default
export default defineConfig({
  title: 'channelbox',
  description: 'WebSocket servers on Node: a framework, a testing kit and a load kit.',
  lang: 'en-GB',
  srcDir: 'pages',
  outDir: '../artifacts/site',
  cacheDir: '../artifacts/site-cache',
  // Pages that link to each other by relative addresses open under any path.
  base: '/',
  head: [],
  markdown: {
    // A document's angle brackets are its own: none of them has markup of the page.
    html: false,
    anchor: { slugify: slugOf },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    sidebar,
    nav: [
      { text: 'Guide', link: '/guide' },
      { text: 'Testing', link: '/testing' },
      { text: 'Load', link: '/load' },
      { text: 'Reference', link: '/reference/channelbox' },
    ],
  },
});
