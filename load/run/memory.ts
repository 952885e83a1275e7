import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import type { RunSummary } from '../plan/run-summary.ts';
import { ScenarioError } from '../load-error.ts';

/** Of what is free, what the ledger may take: the sockets need the rest. */
const shareOfFree = 0.7;

/** One process indexes its pairs with 32 bits. */
const pairsMax = 2 ** 31;

/**
 * Refuses a plan whose ledger would not fit, before anybody connects: a pair of a speaker and a receiver takes 8 bytes.
 * @throws {ScenarioError} `CHANNELBOX_SCENARIO_TOO_LARGE`, path `speakers`
 */
export function refuseTooLarge(summary: RunSummary, availableBytes: number = freeBytes()): void {
  const { pairs, bytes, clients, speakers } = summary;
  if (bytes <= availableBytes * shareOfFree && pairs <= pairsMax) return;
  const needed = `${pairs.toLocaleString('en')} pairs of a speaker and a receiver need ${gigabytes(bytes)}`;
  const message = `${needed}, and ${gigabytes(availableBytes * shareOfFree)} are there for them; let fewer than ${speakers} of the ${clients} clients speak, or use smaller rooms`;
  throw new ScenarioError('speakers', message, { code: 'CHANNELBOX_SCENARIO_TOO_LARGE' });
}

function freeBytes(): number {
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 && constrained < 2 ** 50 ? constrained : Infinity;
  return Math.min(limit, availableBytes());
}

/** Linux counts what it would give back from its caches; elsewhere what is free. */
function availableBytes(): number {
  try {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'));
    if (match !== null) return Number(match[1]) * 1_024;
  } catch {
    // not Linux
  }
  return freemem();
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
