import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { measureGrowth } from './growth.bench.ts';
import { measureLedger } from './ledger.bench.ts';
import { measureMicro } from './micro.bench.ts';

/** `npm run bench`: what single operations cost, and that what is to be O(1) stays level; a table, and one JSON file. */
const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    time: { type: 'string', default: '1000' },
    'size-max': { type: 'string', default: '1000000' },
    json: { type: 'string', default: 'artifacts/bench.json' },
  },
});

/** What a touch may cost, and what is aimed at. */
const touchNsMax = 20;

const micro = await measureMicro(Number(values.time));
const growth = await measureGrowth(Number(values['size-max']));
const ledger = measureLedger();
const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.versions.node}`;
print(machine);
print('\n| operation | ns | ± | a second |\n|---|---:|---:|---:|');
for (const { what, ns, marginNs, perSecond } of micro) {
  print(`| ${what} | ${figure(ns)} | ${figure(marginNs)} | ${Math.round(perSecond).toLocaleString('en')} |`);
}
print(`| load kit: a delivery entered in the ledger | ${figure(ledger.totalNs)} | | |`);
print('\n| operation | ns |\n|---|---:|');
for (const { what, ns } of growth.rows) print(`| ${what} | ${figure(ns)} |`);
print(
  `\n${growth.bytesPerMembership.toFixed(0)} bytes a membership; left once all have gone: ${JSON.stringify(growth.left)}`,
);
mkdirSync(dirname(values.json), { recursive: true });
writeFileSync(values.json, `${JSON.stringify({ machine, micro, growth, ledger }, undefined, 1)}\n`);
print(values.json);
const touch = micro.find(({ what }) => what === 'expiry: touch');
if (touch === undefined || touch.ns > touchNsMax) process.exitCode = 1;

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
