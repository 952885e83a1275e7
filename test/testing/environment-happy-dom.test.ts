// @vitest-environment happy-dom
import { describe, expect, test } from 'vitest';
import { environmentTests } from './environment.ts';

describe('under happy-dom', () => {
  test('there is a document', () => {
    expect('document' in globalThis).toBe(true);
  });

  environmentTests();
});
