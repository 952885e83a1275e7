import { describe, expect, test } from 'vitest';
import { randomFrom } from '../layer/broker.ts';
import { requirement } from '../requirement.ts';
import { faultRun, faults } from './fault-run.ts';
import { clean } from './witness.ts';

const program = requirement('redis-server');

/** After these nothing is gone that a log does not give back: nobody may be told of a loss. */
const harmless = new Set([
  'subscribe connections killed',
  'command connections killed in bursts',
  'server frozen',
  'server frozen past the deadline',
  'one node deaf',
  'one node cut off',
  'scripts forgotten in a burst',
  'a replica for a while',
  'foreign messages',
]);

describe.skipIf(program === undefined)('over a real Redis, nothing is lost in silence', () => {
  test.each(Object.entries(faults))('%s', async (name, fault) => {
    const { findings, proofs, examples, codes } = await faultRun({ program: program ?? '', random: randomFrom(7) }, [
      fault,
    ]);
    if (process.env['CHANNELBOX_SHOW'] === '1')
      process.stdout.write(`${name}: ${JSON.stringify({ ...findings, codes })}\n`);
    expect({ ...findings, examples }).toMatchObject(clean);
    expect(proofs.every((proof) => proof > 0)).toBe(true);
    expect(findings.missed === 0).toBe(harmless.has(name));
    expect(findings.acked).toBeGreaterThan(200);
  });
});
