import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layerCases } from 'channelbox/testing';
import { describe, test } from 'vitest';
import { ManualClock, turn } from '../manual-clock.ts';
import { FileLayer } from './file-layer.ts';

const clock = new ManualClock();

describe('a layer that somebody else has written, over files', () => {
  const cases = layerCases({
    layers: () => [new FileLayer(mkdtempSync(join(tmpdir(), 'channelbox-')))],
    settle: () => turn(2),
    nodesMax: 1,
    time: { clock, advance: (ms) => clock.advance(ms) },
  });
  test.each(cases)('$name', ({ run }) => run());
});
