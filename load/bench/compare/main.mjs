import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { dirname } from 'node:path';
import { kinds } from './measure.mjs';
import { readOptions } from './options.mjs';
import { hasBun, pinning } from './pair.mjs';
import { plot } from './plot.mjs';
import { randomFrom, shuffled } from './random.mjs';
import { caseTable, verdictTable } from './table.mjs';
import { noiseMax, noiseMin, noiseOf, verdicts } from './verdict.mjs';

/** A client that used more of its core than this was itself the limit of a paced case. */
const clientLoadMax = 0.95;

const options = readOptions(process.argv.slice(2));
if (options !== undefined) process.exitCode = await compare(options);

/** @returns 0; 1 where a bound is missed; 4 where a floor disagrees with itself */
async function compare({ cases, rounds, seed, dist, against, variants: wanted, json, plot: picture, profile }) {
  const random = randomFrom(seed);
  const has = { bun: hasBun() };
  const machine = machineFacts();
  print(`${machine.text}\nseed ${seed}, ${rounds} rounds, each variant a fresh server and client`);
  if (!pinning) print('taskset is missing or there is one core alone: processes are not pinned');
  if (!has.bun) print('bun is not installed: left out');
  const results = [];
  for (const plan of cases) {
    const variants = variantsOf(plan, { has, wanted, against });
    const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
    const count = Math.min(rounds, plan.roundsMax ?? Infinity);
    for (let round = 0; round < count; round += 1) {
      for (const name of shuffled(Object.keys(variants), random)) {
        const execArgv =
          profile === undefined
            ? []
            : ['--cpu-prof', `--cpu-prof-dir=${profile}/${plan.name}-${name.replaceAll(/\W+/g, '-')}`];
        const sample = await sampleOf(plan, { dist, ...variants[name], execArgv });
        samples[name].push(sample);
      }
      process.stderr.write(`${plan.name}: round ${round + 1} of ${count}\n`);
    }
    const result = judged(plan, samples);
    results.push(result);
    print(caseTable(result));
  }
  const table = verdicts(results);
  print(verdictTable(table));
  write(json, `${JSON.stringify({ machine, seed, rounds, results, verdicts: table }, undefined, 1)}\n`);
  write(picture, plot(results, machine));
  print(`${json}, ${picture}`);
  if (table.some(({ verdict }) => verdict === 'MISSED')) return 1;
  return results.every(({ isJudged }) => isJudged) ? 0 : 4;
}

async function sampleOf(plan, variant) {
  for (let attempt = 1; ; attempt += 1) {
    const sample = await kinds[plan.kind](variant, plan.work);
    if (plan.isPaced !== true || !(sample.clientLoad > clientLoadMax)) return sample;
    if (attempt === 3)
      throw new Error(`${plan.name}: the client used ${sample.clientLoad.toFixed(2)} of its core; pace it slower`);
  }
}

function variantsOf(plan, { has, wanted, against }) {
  const floor = plan.floor ?? 'raw';
  const entries = Object.entries(plan.variants).filter(([name, { needs }]) => {
    if (needs !== undefined && !has[needs]) return false;
    return wanted === undefined || wanted.includes(name) || name.startsWith(`${floor} #`);
  });
  if (against !== undefined && plan.variants['channelbox'] !== undefined) {
    entries.push(['channelbox, other build', { ...plan.variants['channelbox'], dist: against }]);
  }
  return Object.fromEntries(entries);
}

function judged(plan, samples) {
  const floor = plan.floor ?? 'raw';
  const by = plan.kind === 'idle' || plan.kind === 'memory' ? undefined : 'total';
  const noise = by === undefined ? undefined : noiseOf(samples, floor, by);
  const isJudged = noise === undefined || (noise >= noiseMin && noise <= noiseMax);
  return { name: plan.name, kind: plan.kind, floor, work: plan.work, noise, isJudged, samples };
}

function machineFacts() {
  const [{ model }] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const text = `${model}, ${cpus().length} cores, ${memory}, ${type()} ${release()} ${arch()}, Node ${process.versions.node}, loopback TCP`;
  return { text, model, cores: cpus().length, node: process.versions.node, kernel: release() };
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
