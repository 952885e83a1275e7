import { describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { clean } from './processes/books.ts';
import { faultRun } from './processes/fault-run.ts';
import { lossy, processFaults } from './processes/faults.ts';

const program = requirement('redis-server');

describe.skipIf(program === undefined)('on three processes over a real Redis, nothing is lost in silence', () => {
  test.each(Object.keys(processFaults))('%s', { timeout: 240_000 }, async (name) => {
    const { findings, proofs, codes, examples, tookMs } = await faultRun({ program: program ?? '', faults: [name] });
    if (process.env['CHANNELBOX_SHOW'] === '1') {
      process.stdout.write(`${name}: ${JSON.stringify({ ...findings, proofs, codes, tookMs })}\n`);
    }
    expect(findings, examples.join('\n')).toMatchObject(clean);
    expect(proofs.every((proof) => proof > 0)).toBe(true);
    expect(findings.missed === 0).toBe(!lossy.has(name));
    expect(findings.acked).toBeGreaterThanOrEqual(5_000);
  });
});
