// A process of its own for one sample: `node sample.mjs <variant> <seconds>` prints tests per second as JSON.
import { variants } from './variants.mjs';

const [name, seconds] = process.argv.slice(2);
const run = await variants[name].make();

async function runFor(ms) {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  while (performance.now() - startedAt < ms) {
    await run();
    count += 1;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (count * 1000) / (performance.now() - startedAt), perCpuSecond: (count * 1e6) / (user + system) };
}

// Until the compiler has done its work: it takes a while, for the larger ones of these libraries above all.
await runFor(Number(seconds) * 2_000);
process.stdout.write(JSON.stringify(await runFor(Number(seconds) * 1000)), () => process.exit(0));
