/**
 * Which test belongs to which suite. A test file is of the unit suite, `npm test`, unless its name or its folder says
 * otherwise: `….system.test.ts` needs a program that npm does not bring (see requirement.ts), `….long.test.ts` takes its
 * time: faults, soaks, many seeds, and whatever builds, packs or compiles the whole package, or all snippets of the documents.
 */

export const everything: readonly string[] = ['test/**/*.test.ts'];

/** `npm run test:system` */
export const system: readonly string[] = ['test/**/*.system.test.ts', 'test/{browser,redis,system}/**/*.test.ts'];

/** `npm run test:long` */
export const long: readonly string[] = ['test/**/*.long.test.ts', 'test/{faults,soak,long}/**/*.test.ts'];

/** These replace `ws` with another, for all that their process loads. */
export const alone: readonly string[] = ['test/transport/{once,older-ws,strange-ws}.test.ts'];
