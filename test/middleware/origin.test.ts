import { describe, expect, test } from 'vitest';
import { isOriginAllowed, type Origins } from '../../src/middleware/origin.ts';

interface Row {
  readonly origin: string | undefined;
  readonly host: string | undefined;
  readonly origins?: Origins;
  readonly isAllowed: boolean;
}

const rows: readonly Row[] = [
  { origin: undefined, host: 'app.test', isAllowed: true },
  { origin: 'https://app.test', host: 'app.test', isAllowed: true },
  { origin: 'https://app.test', host: 'app.test:443', isAllowed: true },
  { origin: 'http://app.test', host: 'app.test:443', isAllowed: false },
  { origin: 'https://app.test:8443', host: 'app.test:8443', isAllowed: true },
  { origin: 'https://app.test:8443', host: 'app.test', isAllowed: false },
  { origin: 'https://APP.test', host: 'app.TEST', isAllowed: true },
  { origin: 'https://app.test.evil.test', host: 'app.test', isAllowed: false },
  { origin: 'https://evilapp.test', host: 'app.test', isAllowed: false },
  { origin: 'null', host: 'app.test', isAllowed: false },
  { origin: '', host: 'app.test', isAllowed: false },
  { origin: 'chrome-extension://app.test', host: 'app.test', isAllowed: false },
  { origin: 'https://app.test', host: undefined, isAllowed: false },
  { origin: 'http://[::1]:80', host: '[::1]', isAllowed: true },
  { origin: 'https://evil.test', host: 'app.test', origins: '*', isAllowed: true },
  { origin: 'null', host: 'app.test', origins: '*', isAllowed: true },
  { origin: 'https://web.test', host: 'app.test', origins: ['https://web.test'], isAllowed: true },
  { origin: 'https://web.test:443', host: 'app.test', origins: ['https://web.test'], isAllowed: true },
  { origin: 'https://WEB.test', host: 'app.test', origins: ['https://web.test/'], isAllowed: true },
  { origin: 'http://web.test', host: 'app.test', origins: ['https://web.test'], isAllowed: false },
  { origin: 'https://web.test.evil.test', host: 'app.test', origins: ['https://web.test'], isAllowed: false },
  { origin: 'null', host: 'app.test', origins: ['https://web.test', 'file://x'], isAllowed: false },
  { origin: 'null', host: 'app.test', origins: ['null'], isAllowed: true },
  { origin: 'https://a.web.test', host: 'app.test', origins: [/^https:\/\/\w+\.web\.test$/], isAllowed: true },
  { origin: 'https://a.web.test.evil', host: 'app.test', origins: [/^https:\/\/\w+\.web\.test$/], isAllowed: false },
];

describe('an Origin', () => {
  test.each(rows)('$origin at $host with $origins', ({ origin, host, origins = [], isAllowed }) => {
    expect(isOriginAllowed(origin, host, origins)).toBe(isAllowed);
  });

  test('is judged anew each time, also by an expression that remembers', () => {
    const origins = [/web/g];
    const judged = Array.from({ length: 4 }, () => isOriginAllowed('https://web.test', 'app.test', origins));
    expect(judged).toEqual([true, true, true, true]);
  });
});
