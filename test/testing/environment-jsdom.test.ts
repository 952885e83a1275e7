// @vitest-environment jsdom
import { describe, expect, test } from 'vitest';
import { environmentTests } from './environment.ts';

describe('under jsdom', () => {
  test('there is a document', () => {
    expect('document' in globalThis).toBe(true);
  });

  environmentTests();
});
