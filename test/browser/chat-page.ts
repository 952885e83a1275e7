/** The chat's page in a browser, as its user meets it: by labels and roles. */
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';

export const desktop: BrowserContextOptions = { viewport: { width: 1180, height: 800 } };
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
};

export interface ChatPage {
  readonly page: Page;
  /** What the page should not have: errors, messages to the console, dialogs. Failed connections are none of them. */
  readonly problems: readonly string[];
  /** Types the name and presses Enter, as a person does. */
  enter(user: string, room: string): Promise<void>;
  say(text: string): Promise<void>;
  /** The texts of the messages, as shown. */
  messages(): Promise<string[]>;
  readonly status: Locator;
}

/**
 * The pages of one browser, taken up again by the next test: a page costs a process and a fifth of a second of CPU.
 * Each test has a server on a port of its own, so that what a page keeps for its origin is not seen by the next.
 */
export class ChatPages {
  readonly #browser: Browser;
  readonly #idle = new Map<BrowserContextOptions, Page[]>();
  readonly #open = new Map<Page, BrowserContextOptions>();

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** @param options the same object for the pages that may stand for each other. */
  async open(url: string, options: BrowserContextOptions = desktop): Promise<ChatPage> {
    const page = this.#idle.get(options)?.pop() ?? (await this.#make(options));
    this.#open.set(page, options);
    const problems = watch(page);
    await page.goto(url);
    return chatPage(page, problems);
  }

  /** Every page leaves its server, forgets what it kept and what it was told to look like. */
  async leave(): Promise<void> {
    const left = [...this.#open];
    this.#open.clear();
    await Promise.all(
      left.map(async ([page, options]) => {
        await page.evaluate('addEventListener("pagehide", () => { sessionStorage.clear(); localStorage.clear(); })');
        await page.goto('about:blank');
        page.removeAllListeners();
        await page.emulateMedia({ colorScheme: null });
        this.#idle.set(options, [...(this.#idle.get(options) ?? []), page]);
      }),
    );
  }

  async #make(options: BrowserContextOptions): Promise<Page> {
    const context = await this.#browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(40_000);
    return page;
  }
}

function watch(page: Page): readonly string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (!/WebSocket connection to .* failed/.test(message.text())) problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return problems;
}

function chatPage(page: Page, problems: readonly string[]): ChatPage {
  const status = page.getByRole('status');
  return {
    page,
    problems,
    status,
    async enter(user, room) {
      await page.getByRole('textbox', { name: 'Your name' }).fill(user);
      await page.getByRole('textbox', { name: 'Room' }).fill(room);
      await page.keyboard.press('Enter');
      await status.filter({ hasText: /^Connected$/ }).waitFor();
    },
    async say(text) {
      await page.getByRole('textbox', { name: 'Message' }).fill(text);
      await page.keyboard.press('Enter');
    },
    messages: () => page.getByRole('log').locator('.text').allTextContents(),
  };
}

/**
 * Texts whose contrast is below what WCAG 2.2 AA asks for (1.4.3): 4.5, or 3 where they are large.
 * Run in the page; a string, since the project is compiled without the types of the browser.
 */
export const lowContrast = `(() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => {
    const mix = (name) => top[name] * top.a + under[name] * (1 - top.a);
    return { r: mix('r'), g: mix('g'), b: mix('b'), a: 1 };
  };
  const ground = (element) => {
    if (element === null) return { r: 255, g: 255, b: 255, a: 1 };
    const own = parse(getComputedStyle(element).backgroundColor);
    return own.a === 1 ? own : over(own, ground(element.parentElement));
  };
  const luminance = ({ r, g, b }) => {
    const [red, green, blue] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const texts = [...document.querySelectorAll('body *')].filter(
    (element) =>
      element.checkVisibility() &&
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ''),
  );
  const low = texts.flatMap((element) => {
    const style = getComputedStyle(element);
    const under = ground(element);
    const [a, b] = [luminance(over(parse(style.color), under)), luminance(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    return ratio < (isLarge ? 3 : 4.5) ? [element.textContent + ' ' + ratio.toFixed(2)] : [];
  });
  return { checked: texts.length, low };
})()`;

/** Elements that can be pressed and are smaller than WCAG 2.2 AA allows (2.5.8): 24 by 24. */
export const smallTargets = `[...document.querySelectorAll('button, input, textarea')]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.id || element.textContent, element.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([name]) => name)`;
