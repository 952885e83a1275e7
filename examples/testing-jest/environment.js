import jsdom from 'jest-environment-jsdom';

/** jsdom has its own globals and lacks some of Node's, which a server needs; and packages are those for Node, not a browser's. */
const fromNode = [
  'AbortController',
  'AbortSignal',
  'ArrayBuffer',
  'DOMException',
  'Headers',
  'Request',
  'Response',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'Uint8Array',
  'clearImmediate',
  'performance',
  'setImmediate',
  'structuredClone',
];

export default class extends jsdom.default {
  constructor(...given) {
    super(...given);
    for (const name of fromNode) this.global[name] = globalThis[name];
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }
}
