import { describe, test } from 'vitest';
import { transportCases } from '../../testing/conformance/transport.ts';
import { memoryHarness } from './memory-site.ts';

describe('the memory transport', () => {
  for (const { name, run } of transportCases(memoryHarness)) test(name, () => run());
});
