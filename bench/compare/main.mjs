import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { dirname } from 'node:path';
import { cases as allCases } from './cases.mjs';
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
async function compare(given) {
  const run = given.from === undefined ? await measured(given) : kept(given.from);
  const verdict = verdicts(run.results);
  for (const result of run.results) print(caseTable(result));
  print(verdictTable(verdict));
  if (given.from === undefined) write(given.json, `${JSON.stringify({ ...run, verdicts: verdict }, undefined, 1)}\n`);
  write(given.plot, plot(run.results, run.machine));
  if (verdict.some((claim) => claim.verdict === 'MISSED')) return 1;
  return run.results.every(({ isJudged }) => isJudged) ? 0 : 4;
}

async function measured({ cases, rounds, seed, dist, against, variants: wanted, profile }) {
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
        const folder = `${profile}/${plan.name}-${name.replaceAll(/\W+/g, '-')}`;
        const execArgv = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
        samples[name].push(await sampleOf(plan, { dist, ...variants[name], execArgv }));
      }
      process.stderr.write(`${plan.name}: round ${round + 1} of ${count}\n`);
    }
    results.push(judged(plan, samples));
  }
  return { machine, seed, rounds, results };
}

/** Results of earlier runs on one machine; a case measured again replaces what there was of it. */
function kept(files) {
  const runs = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
  const results = new Map(runs.flatMap((run) => run.results.map((result) => [result.name, result])));
  const order = allCases.map(({ name }) => name);
  const sorted = [...results.values()].sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  return { ...runs[0], results: sorted };
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
