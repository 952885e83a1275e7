// What a test costs in this kit and in others, in turn, each sample a fresh process on one core; medians of the rounds.
// `npm run bench:testing -- [--rounds 5] [--seconds 2] [--json <file>] [--against <dist of another build>]`: with `--against`
// only the memory kit of both builds, in turn, beside a loop that does the same work each time and tells what the machine gave.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { variants } from './variants.mjs';

const owed = { perSecond: 5_000, factor: 10 };
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
    against: { type: 'string' },
  },
});
const sample = fileURLToPath(new URL('sample.mjs', import.meta.url));
const isPinned = cpus().length > 1 && spawnSync('taskset', ['-c', '1', 'true']).status === 0;

function sampleOf(name, dist) {
  const command = [process.execPath, sample, name, values.seconds];
  const [file, ...given] = isPinned ? ['taskset', '-c', '1', ...command] : command;
  return JSON.parse(
    execFileSync(file, given, {
      encoding: 'utf8',
      timeout: 60_000,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: dist === undefined ? process.env : { ...process.env, BENCH_DIST: resolve(dist) },
    }),
  );
}

function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Millions of steps a CPU second of a loop that never changes: between two machines, or two minutes, it differs by 2. */
function calibration() {
  const before = process.cpuUsage();
  let state = 1;
  for (let step = 0; step < 20_000_000; step += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  const { user, system } = process.cpuUsage(before);
  return (state === 0 ? 0 : 20) / ((user + system) / 1e6);
}

if (values.against !== undefined) {
  const [name] = Object.keys(variants);
  const rounds = Array.from({ length: Number(values.rounds) }, (_, round) => {
    const builds = [undefined, values.against];
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    const figures = [];
    for (const at of order) figures[at] = sampleOf(name, builds[at]).perCpuSecond;
    return { now: figures[0], against: figures[1], ratio: figures[0] / figures[1], calibration: calibration() };
  });
  for (const { now, against, ratio, calibration: loop } of rounds) {
    console.log(
      `${Math.round(now)} now, ${Math.round(against)} against, tests a CPU second: ${ratio.toFixed(2)}; loop ${loop.toFixed(0)} M steps`,
    );
  }
  console.log(`new ÷ old, median of ${rounds.length} rounds: ${median(rounds.map(({ ratio }) => ratio)).toFixed(2)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rounds, undefined, 1)}\n`);
  process.exit(0);
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
