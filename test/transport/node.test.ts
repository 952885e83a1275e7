import { describe, test } from 'vitest';
import { transportCases } from '../../testing/conformance/transport.ts';
import { nodeHarness } from './node-site.ts';

describe.each([
  ['as it is', {}],
  ['without joining writes', { joins: false }],
  ["through ws's own send", { forcesWs: true }],
  ['with deflate offered', { compression: true }],
])('the Node transport %s', (_how, options) => {
  test.each(transportCases(nodeHarness(options)))('$name', ({ run }) => run());
});
