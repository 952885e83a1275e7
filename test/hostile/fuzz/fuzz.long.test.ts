import { describe, expect, test } from 'vitest';
import { seedOfTest } from '../../load/seed.ts';
import { Fuzzer, type FuzzReport } from './fuzzer.ts';

/** `CHANNELBOX_FUZZ_CASES=200000 npm run fuzz` for a long night; `CHANNELBOX_SEED` replays. */
const cases = Number(process.env['CHANNELBOX_FUZZ_CASES'] ?? 20_000);

describe('strangers at random', () => {
  test('stop nothing, hang nothing, disturb nobody and leave nothing', { timeout: 60 * 60_000 }, async () => {
    const seed = seedOfTest();
    const report = await Fuzzer.run({ seed, cases });
    print(seed, report);
    expect(report.faults.slice(0, 20)).toEqual([]);
    expect(report.pastHandshake).toBeGreaterThanOrEqual(0.6);
  });

  test.each<[planted: string, fault: string, answerTo: (said: string) => string]>([
    ['a handler that fails at one letter', 'the log says at error', failAtLetter],
    ['a promise that nobody awaits', 'nobody caught', forgetPromise],
    ['an echo that loses a character', 'came back in place of', (said) => said.replace(/é$/, '')],
  ])('would be found out: %s', async (_planted, fault, answerTo) => {
    const report = await Fuzzer.run({ seed: 7, cases: 500, plant: answerTo });
    expect(report.faults.join('\n')).toContain(fault);
    // Each fault names its case, and that case alone shows it again.
    const at = Number(/case (\d+) of seed 7: .* came back/.exec(report.faults.join('\n'))?.[1] ?? -1);
    const again = at < 0 ? report : await Fuzzer.run({ seed: 7, from: at, cases: 1, plant: answerTo });
    expect(again.faults.join('\n')).toContain(fault);
  });
});

function failAtLetter(said: string): string {
  if (said.includes('é')) throw new Error('planted');
  return said;
}

function forgetPromise(said: string): string {
  void Promise.reject(new Error('planted'));
  return said;
}

function print(seed: number, { reached, pastHandshake, faults }: FuzzReport): void {
  const rows = [...reached].map(([what, count]) => `${String(count).padStart(8)}  ${what}`);
  console.log(
    `seed ${seed}: ${(100 * pastHandshake).toFixed(1)} % past the handshake, ${faults.length} faults\n${rows.join('\n')}`,
  );
}
