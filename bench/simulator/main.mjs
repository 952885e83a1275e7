// What a simulation costs: runs of the chat, and a crowd in one process with recording off. `npm run bench:simulator -- [--runs 2000]
// [--clients 100000] [--groups 10000] [--json <file>]`: processor time, each sample a fresh process, beside a loop that does the same
// work each time and tells what the machine gave. Ends with 1 where a bound is missed.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const owed = { runsPerSecond: 200, rssMib: 1_024, bytesPerClient: 5 * 1_024 };
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '2000' },
    clients: { type: 'string', default: '100000' },
    groups: { type: 'string', default: '10000' },
    json: { type: 'string' },
  },
});

/** A sample in a process of its own. */
function sampleOf(name, ...words) {
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const given = ['--expose-gc', file, ...words];
  return JSON.parse(
    execFileSync(process.execPath, given, {
      encoding: 'utf8',
      timeout: 300_000,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
}

const chat = [1, 3].map((nodes) => sampleOf('chat', String(nodes), values.runs));
const crowd = sampleOf('crowd', values.clients, values.groups);
const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.versions.node}`;
const print = (text) => process.stdout.write(`${text}\n`);
const whole = (value) => Math.round(value).toLocaleString('en');

print(machine);
for (const { nodes, runsPerSecond, eventsPerSecond, calibration } of chat) {
  print(
    `the chat on ${nodes} node${nodes === 1 ? '' : 's'}: ${whole(runsPerSecond)} runs and ${whole(eventsPerSecond)} events a CPU second; loop ${whole(calibration)} M/s`,
  );
}
print(
  `${whole(crowd.clients)} clients in ${whole(crowd.groups)} groups: connected in ${crowd.connectS.toFixed(1)} s, ${whole(crowd.deliveries)} deliveries in ` +
    `${crowd.deliverS.toFixed(1)} s of CPU (${whole(crowd.deliveries / crowd.deliverS)} a second); ${whole(crowd.bytesPerClient)} bytes of heap a client, ` +
    `${whole(crowd.rssMib)} MiB at most; loop ${whole(crowd.calibration)} M/s`,
);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, chat, crowd }, undefined, 1)}\n`);

const missed = [
  ...chat
    .filter(({ runsPerSecond }) => runsPerSecond < owed.runsPerSecond)
    .map(({ nodes }) => `runs on ${nodes} nodes`),
  ...(crowd.rssMib < owed.rssMib ? [] : ['memory of the process']),
  ...(crowd.bytesPerClient <= owed.bytesPerClient ? [] : ['memory of a client']),
];
if (missed.length > 0) {
  print(`missed: ${missed.join(', ')}`);
  process.exitCode = 1;
}
