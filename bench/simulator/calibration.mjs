import process from 'node:process';

/** Seconds of the processor that this process has used. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Millions of steps a CPU second of a loop that never changes: between two machines, or two minutes, it differs by 2. */
export function calibration() {
  const before = cpuSeconds();
  let state = 1;
  for (let step = 0; step < 20_000_000; step += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return (state === 0 ? 0 : 20) / (cpuSeconds() - before);
}
