import { describe, test } from 'vitest';
import { transportCases } from '../../testing/conformance/transport.ts';
import { memoryHarness } from './memory-site.ts';

describe('the memory transport', () => {
  test.each(transportCases(memoryHarness))('$name', ({ run }) => run());
});
