/** A fault run, as a program of its own: in a network of its own where that can be had. It prints what came of it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomFrom } from '../../layer/broker.ts';
import { processFaults } from './faults.ts';
import type { RunJob, RunResult } from './job.ts';
import { Stand } from './stand.ts';

const job = JSON.parse(process.argv[2] ?? '') as RunJob;
const startMs = performance.now();
await using stand = await Stand.start(job, randomFrom(job.seed));
const { books } = stand;
stand.talk();
await stand.until(() => books.acked >= job.ackedMin / 3, 100_000);
const proofs: number[] = [];
for (const name of job.faults) {
  proofs.push((await processFaults[name]?.(stand)) ?? 0);
  await stand.heal();
}
await stand.until(() => books.acked >= job.ackedMin, 100_000);
await stand.hush();
await stand.rest();
const findings = books.findings(await stand.ghosts());
const { codes, examples } = books;
if (books.troubled.size > 0) {
  const file = join(job.logs, `seed-${job.seed}-${process.pid}.json`);
  await mkdir(job.logs, { recursive: true });
  await writeFile(file, JSON.stringify({ job, findings, receivers: books.logs }, undefined, 1));
  examples.push(`all that the receivers named above heard: ${file}`);
}
const result: RunResult = { findings, proofs, codes, examples, tookMs: Math.round(performance.now() - startMs) };
process.stdout.write(`${JSON.stringify(result)}\n`);
