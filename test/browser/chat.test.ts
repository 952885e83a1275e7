import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { App } from 'channelbox';
import { createChat } from '../../examples/chat/chat.ts';
import { pageFiles } from '../../examples/chat/page-files.ts';
import { Visitor } from '../examples/chat-visitor.ts';
import { requirement } from '../requirement.ts';
import { ChatPages, desktop, lowContrast, phone, smallTargets, type ChatPage } from './chat-page.ts';

const executablePath = requirement('chromium');
const artifacts = fileURLToPath(new URL('../../artifacts/', import.meta.url));
const switches = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
// A browser on two busy cores takes its time; what is awaited comes at once where it does not.
const soon = { timeout: 40_000 };

describe.skipIf(executablePath === undefined)('the chat page', () => {
  let browser: Browser;
  let pages: ChatPages;
  let app: App;
  let port = 0;
  const serve = async (): Promise<void> => {
    app = createChat({ http: pageFiles() });
    ({ port } = await app.listen(port, '127.0.0.1'));
  };
  const open = (options = desktop): Promise<ChatPage> => pages.open(`http://127.0.0.1:${port}/`, options);

  beforeAll(async () => {
    await mkdir(artifacts, { recursive: true });
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: switches });
    pages = new ChatPages(browser);
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    port = 0;
    await serve();
  });
  afterEach(async () => {
    await pages.leave();
    await app.close();
  });

  test('carries what one says to the other, who sees who is there, and keeps it over a reload', async () => {
    const [ann, bob] = await Promise.all([open(), open(phone)]);
    await ann.enter('Ann', 'garden');
    await bob.enter('Bob', 'garden');
    await ann.say('Morning!');
    await bob.say('Morning, Ann.\nSleep well?');

    const both = ['Morning!', 'Morning, Ann.\nSleep well?'];
    await expect.poll(() => ann.messages(), soon).toEqual(both);
    await expect.poll(() => bob.messages(), soon).toEqual(both);
    const people = ann.page.getByRole('complementary', { name: '2 people here' });
    await expect.poll(() => people.getByRole('listitem').allTextContents(), soon).toEqual(['AAnn (you)', 'BBob']);
    await ann.page.reload();
    await expect.poll(() => ann.messages(), soon).toEqual(both);
    await ann.page.getByRole('button', { name: 'Leave' }).click();
    await bob.page.getByRole('log').getByText('Ann left').last().waitFor();
    expect([...ann.problems, ...bob.problems]).toEqual([]);
  });

  test('comes back by itself when the server does, shows each message once and sends what waited', async () => {
    const [ann, bob] = await Promise.all([open(), open()]);
    await ann.enter('Ann', 'garden');
    await bob.enter('Bob', 'garden');
    await ann.say('before');
    await expect.poll(() => bob.messages(), soon).toEqual(['before']);
    await app.close();
    await ann.status.filter({ hasText: 'Connection lost. Reconnecting…' }).waitFor();
    await ann.say('while it was away');
    await ann.page.getByRole('list', { name: 'Not delivered yet' }).getByText('Will be sent when you are').waitFor();
    // A page that is left and opened again in the same tab still has what waits.
    await ann.page.goto('about:blank');
    await serve();
    await bob.page.getByText('Messages may be missing here').waitFor();
    await ann.page.goto(`http://127.0.0.1:${port}/`);

    await expect.poll(() => ann.messages(), soon).toEqual(['while it was away']);
    await expect.poll(() => bob.messages(), soon).toEqual(['before', 'while it was away']);
    await bob.say('after');
    await expect.poll(() => ann.messages(), soon).toEqual(['while it was away', 'after']);
    await expect.poll(() => bob.messages(), soon).toEqual(['before', 'while it was away', 'after']);
    expect([...ann.problems, ...bob.problems]).toEqual([]);
  });

  test('fills the gap of a connection that was cut, without the server having ended', async () => {
    const [ann, bob] = await Promise.all([open(), open()]);
    await ann.enter('Ann', 'garden');
    await bob.enter('Bob', 'garden');
    await ann.say('one');
    await expect.poll(() => bob.messages(), soon).toEqual(['one']);
    const [member] = (await app.channelBox.members('garden')).filter(({ metadata }) => metadata['user'] === 'Bob');
    await app.channelBox.closeChannel(member?.uuid ?? '', { code: 1013 });
    await ann.say('two');

    await expect.poll(() => bob.messages(), soon).toEqual(['one', 'two']);
    await bob.status.filter({ hasText: /^Connected$/ }).waitFor();
    expect(await bob.messages()).toEqual(['one', 'two']);
    expect(await bob.page.getByText('may be missing').count()).toBe(0);
  });

  test('shows what people write as text, whatever it looks like', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const [ann, bob] = await Promise.all([open(), open()]);
    await ann.enter(name, '<svg onload=alert(2)>');
    await bob.enter('Bob', '<svg onload=alert(2)>');
    await ann.say('<script>alert(3)</script>"\'&amp;<b>');

    await expect.poll(() => bob.messages(), soon).toEqual(['<script>alert(3)</script>"\'&amp;<b>']);
    expect(await bob.page.locator('.log .name').textContent()).toBe(name);
    expect(await bob.page.locator('.log :is(img, svg, script, b)').count()).toBe(0);
    expect([...ann.problems, ...bob.problems]).toEqual([]);
  });

  test('tells two people of one name apart, also from oneself', async () => {
    const ann = await open();
    await ann.enter('Ann  B.', 'garden');
    const address = `ws://127.0.0.1:${port}`;
    const { visitor: other } = await Visitor.enter(address, { room: 'garden', username: 'Ann B.' });
    await Visitor.enter(address, { room: 'garden', username: 'Ann B.' });
    await ann.say('mine');
    await other.until('mine');
    other.say('of the other');
    const names = (): Promise<string[]> => ann.page.locator('.log .name').allTextContents();

    await expect.poll(names, soon).toEqual(['You', 'Ann B.']);
    const people = ann.page.getByRole('complementary').getByRole('listitem');
    expect(await people.allTextContents()).toEqual(['AAnn B. (you)', 'AAnn B. ×2']);
    expect(await ann.page.getByText('Sending…').count()).toBe(0);
    await ann.page.reload();
    await expect.poll(names, soon).toEqual(['You', 'Ann B.']);
  });

  test('leaves who reads further up where they are, and says how much is new', async () => {
    const [ann, bob] = await Promise.all([open(), open()]);
    await ann.enter('Ann', 'garden');
    await bob.enter('Bob', 'garden');
    for (let index = 0; index < 8; index += 1) await ann.say(`line\n${'\n'.repeat(4)}${index}`);
    await expect.poll(async () => (await bob.messages()).length, soon).toBe(8);
    const scroller = bob.page.getByRole('region', { name: 'Messages' });
    await scroller.focus();
    const scrolledPx = (): Promise<unknown> => bob.page.evaluate("document.getElementById('scroller').scrollTop");
    expect(await scrolledPx()).toBeGreaterThan(0);
    await bob.page.keyboard.press('Home');
    await expect.poll(scrolledPx, soon).toBe(0);
    await ann.say('new');
    const newer = bob.page.getByRole('button', { name: '1 new message' });
    await newer.waitFor();
    expect(await scrolledPx()).toBe(0);
    expect(await bob.page.title()).toBe('(1) garden · Chat');
    await newer.click();

    await expect.poll(() => bob.page.title(), soon).toBe('garden · Chat');
    expect(await newer.isVisible()).toBe(false);
  });

  test('can be used with the keyboard alone, in the order of what is seen', async () => {
    const ann = await open();
    const { page } = ann;
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.id') as Promise<string>;
    expect(await focused()).toBe('user');
    await page.keyboard.type('Ann');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('room-name');
    await page.keyboard.press('Enter');
    await ann.status.filter({ hasText: /^Connected$/ }).waitFor();
    expect(await focused()).toBe('text');
    await page.keyboard.type('first');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second');
    await page.keyboard.press('Enter');
    await expect.poll(() => ann.messages(), soon).toEqual(['first\nsecond']);
    expect(await focused()).toBe('text');
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).toBe('Messages');
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).toBe('leave');
    await page.keyboard.press('Enter');

    expect(await focused()).toBe('room-name');
  });

  test('opens and closes the list of people on a phone, and says which it is', async () => {
    const ann = await open(phone);
    await ann.enter('Ann', 'garden');
    const toggle = ann.page.getByRole('button', { name: '1 person' });
    const list = ann.page.getByRole('complementary');
    expect(await list.isVisible()).toBe(false);
    await toggle.click();
    expect(await list.isVisible()).toBe(true);
    expect(await toggle.getAttribute('aria-expanded')).toBe('true');
    await ann.page.keyboard.press('Escape');

    expect(await list.isVisible()).toBe(false);
    expect(await toggle.getAttribute('aria-expanded')).toBe('false');
  });

  test('reads to assistive technology as it looks', async () => {
    const ann = await open();
    await ann.enter('Ann', 'garden');
    await ann.say('Morning!');
    await expect.poll(() => ann.messages(), soon).toEqual(['Morning!']);
    const log = ann.page.getByRole('log', { name: 'Messages of the room' });

    expect(await log.getAttribute('aria-live')).toBe('polite');
    const outline = await ann.page.locator('body').ariaSnapshot();
    expect(outline.replaceAll(/(\w+day,? \d+ \w+|\d\d:\d\d)/g, '…')).toBe(
      [
        '- banner:',
        '  - heading "garden" [level=1]',
        '  - status: Connected',
        '  - button "Leave"',
        '- main "Conversation":',
        '  - region "Messages":',
        '    - log "Messages of the room":',
        '      - paragraph: …',
        '      - article:',
        '        - paragraph:',
        '          - text: You',
        '          - time: …',
        '        - paragraph: Morning!',
        '    - list "Not delivered yet"',
        '  - text: Message',
        '  - textbox "Message":',
        '    - /placeholder: Write a message',
        '  - button "Send"',
        '  - paragraph: Enter sends, Shift and Enter starts a new line.',
        '- complementary "1 person here":',
        '  - heading "1 person here" [level=2]',
        '  - list:',
        '    - listitem: Ann (you)',
      ].join('\n'),
    );
  });

  test('would be found out if its grey were too pale, or a button too small', async () => {
    const ann = await open();
    await ann.page.evaluate("document.documentElement.style.setProperty('--muted', '#8a94a6')");
    await ann.page.evaluate("document.querySelector('#enter button').style.cssText = 'min-height: 0; height: 20px'");

    const { low } = (await ann.page.evaluate(lowContrast)) as { low: string[] };
    expect(low.map((text) => text.slice(0, 16))).toEqual(['No account, no p', 'Whoever picks th']);
    expect(await ann.page.evaluate(smallTargets)).toEqual(['Enter the room']);
  });

  test.each([
    ['desktop', desktop],
    ['phone', phone],
  ] as const)(
    'on a %s, in the light and in the dark, is readable, fits, and is easy to hit',
    async (device, options) => {
      const ann = await open(options);
      const inBoth = async (name: string): Promise<void> => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await ann.page.emulateMedia({ colorScheme });
          const ground = await ann.page.evaluate('getComputedStyle(document.body).backgroundColor');
          grounds.add(`${colorScheme} ${String(ground)}`);
          await check();
          await ann.page.screenshot({ path: `${artifacts}chat-${name}-${device}-${colorScheme}.png` });
        }
      };
      const grounds = new Set<string>();
      const check = async (): Promise<void> => {
        const contrast = (await ann.page.evaluate(lowContrast)) as { checked: number; low: string[] };
        expect(contrast.low).toEqual([]);
        expect(contrast.checked).toBeGreaterThan(4);
        expect(await ann.page.evaluate(smallTargets)).toEqual([]);
        expect(await ann.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      };
      await inBoth('door');
      // One ground for each scheme, and not the same.
      expect(new Set([...grounds].map((ground) => ground.replace(/^\w+ /, ''))).size).toBe(2);
      await ann.enter('Ann', 'garden');
      const { visitor: bob } = await Visitor.enter(`ws://127.0.0.1:${port}`, { room: 'garden', username: 'Bob' });
      await ann.say('The tomatoes are in the ground.');
      await ann.say('Two rows, and the beans go up behind them.');
      await bob.until('Two rows, and the beans go up behind them.');
      bob.say('Lovely. Did you net them? The pigeons took half of mine last year.');
      bob.say(`https://example.test/${'a-very-long-address-'.repeat(8)}`);
      for (const username of ['Cem Özgür', 'Dee', 'Eva', 'Finn', 'Gül', 'Håkon'])
        await Visitor.enter(`ws://127.0.0.1:${port}`, { room: 'garden', username });
      await expect.poll(async () => (await ann.messages()).length, soon).toBe(4);
      await ann.page.getByText('Håkon joined').waitFor({ state: 'attached' });
      await inBoth('room');
      if (device === 'phone') await ann.page.getByRole('button', { name: '8 people' }).click();
      await inBoth('people');
      await ann.page.keyboard.press('Escape');
      await app.close();
      await ann.status.filter({ hasText: 'Connection lost' }).waitFor();
      await ann.say('Still there?');
      await ann.page.getByText('Will be sent when you are connected').waitFor();
      await ann.page.getByRole('button', { name: 'Try now' }).waitFor();
      await inBoth('lost');
    },
  );
});
