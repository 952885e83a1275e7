import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchorsOf, brokenLinks, brokenPageLinks, linksOf, slugOf } from '../../build/site/links.ts';
import { root, run } from '../package/run.ts';
import { documents } from './workshop.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the links of the documents', () => {
  test('lead to files of the repository and to sections that are there', async () => {
    const { output } = await run('git', ['ls-files', '-z', '*.md'], root);
    const paths = output.split('\0').filter((path) => path !== '');
    expect(paths).toContain('docs/guide.md');
    expect(paths.flatMap((path) => brokenLinks(root, path))).toEqual([]);
  });

  test('are found where they lead nowhere', async () => {
    const folder = join(root, 'artifacts', `planted-links-${process.pid}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'b.md'), '# Here\n\n## The `code` of it\n\n## Here\n');
    await writeFile(
      join(folder, 'a.md'),
      [
        '[fine](b.md#here-1) [fine too](b.md#the-code-of-it) ![no picture](b.svg) [no section](b.md#there)',
        '[own](#nowhere) `[code](c.md)` [far](https://example.test/x) [out](../../package.json)',
        '```md\n[in a fence](d.md)\n```',
      ].join('\n'),
    );
    const broken = brokenLinks(folder, 'a.md');
    await rm(folder, { recursive: true });
    expect(broken).toEqual([
      'a.md: b.svg leads to no file',
      'a.md: b.md#there leads to no section',
      'a.md: #nowhere leads to no section',
      'a.md: ../../package.json leads to no file',
    ]);
  });

  test('have the anchors that GitHub makes of headings', () => {
    expect(slugOf('Errors, and what to do')).toBe('errors-and-what-to-do');
    expect(slugOf('CHANNELBOX_APP_IN_USE')).toBe('channelbox_app_in_use');
    expect([...anchorsOf('# A [link](x.md)\n\n```\n# code\n```\n')]).toEqual(['a-link']);
  });

  test('are followed in a built site as well', () => {
    const pages = new Map([
      ['index.html', '<a href="/guide.html#there">x</a><a href="./reference/a">y</a><img src="/a.svg">'],
      ['guide.html', '<h2 id="here">x</h2><a href="https://example.test">far</a>'],
      ['reference/a.html', '<a href="../guide.html#here">x</a><a href="b.html">y</a>'],
    ]);
    expect(brokenPageLinks(pages, (path) => path === 'style.css')).toEqual([
      'index.html: /guide.html#there leads to no section',
      'index.html: /a.svg leads nowhere',
      'reference/a.html: b.html leads nowhere',
    ]);
  });
});

describe('README.md as the page of the package', () => {
  const { files, homepage, bugs, repository } = JSON.parse(read('package.json')) as {
    files: string[];
    homepage: string;
    bugs: { url: string };
    repository: { url: string };
  };

  test('leads to documents of the package, or by whole addresses', () => {
    const published = files.map((glob) => new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`));
    const always = ['LICENSE', 'README.md'];
    const links = linksOf(read('README.md')).filter((link) => !/^https:|^#/.test(link));
    expect(links.length).toBeGreaterThan(5);
    const paths = links.map((link) => link.split('#')[0] as string);
    expect(paths.filter((path) => !always.includes(path) && !published.some((each) => each.test(path)))).toEqual([]);
  });

  test('opens with a sentence, the install line, and a server of at most eight lines with its test', () => {
    const [sentence = '', install = '', , server = '', , serverTest = ''] = read('README.md')
      .split('\n\n')
      .filter((_part, at) => at > 0)
      .join('\n\n')
      .split(/\n\n(?=```|\S)/)
      .reduce<string[]>((parts, part) => {
        const open = parts.at(-1);
        if (open !== undefined && open.startsWith('```') && !open.endsWith('```'))
          parts[parts.length - 1] = `${open}\n\n${part}`;
        else parts.push(part);
        return parts;
      }, []);
    expect(sentence.split('. ').length).toBe(1);
    expect(install).toContain('npm install channelbox');
    const lines = server.split('\n').slice(2, -1);
    expect(server).toContain('// file: server.ts');
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(serverTest).toContain("from './server.ts'");
  });

  test('knows where the project lives', () => {
    expect(repository.url).toBe(`git+${homepage.replace('#readme', '')}.git`);
    expect(bugs.url).toBe(homepage.replace('#readme', '/issues'));
  });
});

describe('the pictures', () => {
  const sources = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.dot'));

  test.each(sources)('%s is drawn, as it stands, with text that can be read and picked', (name) => {
    const source = read(`docs/${name}`);
    const picture = read(`docs/${name.replace(/dot$/, 'svg')}`);
    expect(picture, 'draw it anew: npm run docs').toContain(createHash('sha256').update(source).digest('hex'));
    for (const [, label = ''] of source.matchAll(/label="([^"]+)"/g)) {
      for (const line of label.split('\\n')) {
        expect(picture.replaceAll('&#39;', "'").replaceAll('&#45;', '-'), line).toContain(`>${line}</text>`);
      }
    }
  });

  test('name files that are there', () => {
    const files = [...read('docs/message-path.dot').matchAll(/\\n((?:src|testing|load)\/[\w./-]+)/g)].map(
      (match) => match[1],
    );
    expect(files.length).toBeGreaterThan(8);
    expect(files.filter((file) => file === undefined || read(file) === '')).toEqual([]);
  });

  test('show the states that a connection has, and end arrows where the code goes', () => {
    const source = read('docs/connection-states.dot');
    const drawn = [...source.matchAll(/^ {2}(\w+) \[label/gm)].map((match) => match[1]);
    const ends = [...source.matchAll(/ -> (\w+) \[/g)].map((match) => match[1]);
    const union = /export type SocketState = ([^;]+);/.exec(read('src/socket/state.ts'))?.[1] ?? '';
    const states = [...union.matchAll(/'(\w+)'/g)].map((match) => match[1]);
    const connection = read('src/socket/connection.ts');
    const entered = [...connection.matchAll(/#phase = '(\w+)'|#ended\(phase: '(\w+)' \| '(\w+)'/g)].flatMap((match) =>
      match.slice(1),
    );
    const reached = entered.filter((state) => state !== undefined && state !== 'pending');

    expect(new Set(drawn)).toEqual(new Set(states));
    expect(new Set(ends)).toEqual(new Set(reached));
  });
});

test('every document is tried for snippets and links', async () => {
  expect(await documents()).toContain('docs/architecture.md');
});
