// What a test costs in this kit and in others, in turn, each sample a fresh process on one core; medians of the rounds.
// `npm run bench:testing -- [--rounds 5] [--seconds 2] [--json <file>]`
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { variants } from './variants.mjs';

const owed = { perSecond: 5_000, factor: 10 };
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const sample = fileURLToPath(new URL('sample.mjs', import.meta.url));
const isPinned = cpus().length > 1 && spawnSync('taskset', ['-c', '1', 'true']).status === 0;

function sampleOf(name) {
  const command = [process.execPath, sample, name, values.seconds];
  const [file, ...given] = isPinned ? ['taskset', '-c', '1', ...command] : command;
  return JSON.parse(
    execFileSync(file, given, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
}

function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

const names = Object.keys(variants);
const samples = Object.fromEntries(names.map((name) => [name, []]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  // Another one first each time: what warms a machine, or tires it, falls on all alike.
  for (let at = 0; at < names.length; at += 1) {
    const name = names[(at + round) % names.length];
    samples[name].push(sampleOf(name));
  }
}

const results = names.map((name) => ({
  name,
  perSecond: Math.round(median(samples[name].map((each) => each.perSecond))),
  perCpuSecond: Math.round(median(samples[name].map((each) => each.perCpuSecond))),
  samples: samples[name].map((each) => Math.round(each.perSecond)),
}));
const [memory] = results;
console.log(
  `Node ${process.version}, ${cpus()[0]?.model}, ${isPinned ? 'one core' : 'not pinned'}, ${values.rounds} rounds of ${values.seconds} s`,
);
for (const { name, perSecond, perCpuSecond } of results) {
  const factor = memory.perSecond / perSecond;
  console.log(
    `${name.padEnd(38)}${String(perSecond).padStart(7)} tests/s${String(perCpuSecond).padStart(8)} a CPU second   1 / ${factor.toFixed(1)}`,
  );
}
const fastest = results
  .filter(({ name }) => variants[name].isPeer && variants[name].shakes)
  .toSorted((one, other) => other.perSecond - one.perSecond)[0];
const factor = memory.perSecond / fastest.perSecond;
const verdicts = [
  // Of a core, not of the clock on the wall: a machine that is shared gives a process part of one.
  [`at least ${owed.perSecond} tests a second of one core`, memory.perCpuSecond >= owed.perSecond, memory.perCpuSecond],
  [`at least ${owed.factor} times ${fastest.name}`, factor >= owed.factor, factor.toFixed(1)],
];
for (const [claim, isHeld, figure] of verdicts) console.log(`${isHeld ? 'held  ' : 'MISSED'}  ${claim}: ${figure}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, undefined, 1)}\n`);
process.exitCode = verdicts.every(([, isHeld]) => isHeld) ? 0 : 1;
