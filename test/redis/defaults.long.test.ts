import { describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { clean } from './processes/books.ts';
import { faultRun } from './processes/fault-run.ts';
import { lossy, processFaults } from './processes/faults.ts';

const program = requirement('redis-server');

// Most of it is waiting, for leases and deadlines as they are.
describe.skipIf(program === undefined)('at the default times, nothing is lost in silence', { timeout: 600_000 }, () => {
  test.concurrent.each(Object.keys(processFaults))('%s', async (name) => {
    const { findings, proofs, codes, examples, tookMs } = await faultRun({
      program: program ?? '',
      faults: [name],
      isByDefault: true,
    });
    process.stdout.write(`${name}: ${JSON.stringify({ ...findings, proofs, codes, tookMs })}\n`);
    expect(findings, examples.join('\n')).toMatchObject(clean);
    expect(proofs.every((proof) => proof > 0)).toBe(true);
    expect(findings.missed === 0).toBe(!lossy.has(name));
    expect(findings.acked).toBeGreaterThanOrEqual(5_000);
  });
});
