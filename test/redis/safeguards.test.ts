import { describe, expect, test } from 'vitest';
import { requirement } from '../requirement.ts';
import { clean, type Findings } from './processes/books.ts';
import { faultRun } from './processes/fault-run.ts';
import type { RunJob, Without } from './processes/job.ts';

const program = requirement('redis-server');

/** Of each safeguard a fault that the layer does not get over without it; and what else that takes. */
const faultOf: Readonly<Record<Without, { readonly fault: string; readonly more?: Partial<RunJob> }>> = {
  // Rooms of one member: who writes there and is none cannot tell that it is another room by now.
  fence: { fault: 'server killed, comes back old, while one process slept', more: { rooms: 24 } },
  // Who moves away has a page of what was not heard; and TCP finds it too, after a quarter of a minute.
  probe: {
    fault: 'subscribe connection goes deaf',
    more: { hopShare: 0, layer: { client: { socket: { keepAliveInitialDelay: 3_600_000 } } } },
  },
  verification: { fault: 'last pushes lost', more: { layer: { verifyMs: 0 } } },
  cursor: { fault: 'pushes lost' },
};

function faultsOf(findings: Findings): number {
  return Object.keys(clean).reduce((sum, name) => sum + findings[name as keyof typeof clean], 0);
}

describe.skipIf(program === undefined)('without a safeguard of the layer the books show it', () => {
  test.each(Object.keys(faultOf) as Without[])('the %s', { timeout: 240_000 }, async (without) => {
    const { fault, more } = faultOf[without];
    const options = { program: program ?? '', faults: [fault], ackedMin: 1_500 };
    const { findings, proofs } = await faultRun({ ...options, without, ...more });
    expect(proofs.every((proof) => proof > 0)).toBe(true);
    expect(faultsOf(findings)).toBeGreaterThan(0);
  });
});
