import { parseArgs } from 'node:util';
import { cases, usual } from './cases.mjs';

const usage = `npm run bench:compare -- [options]

  --rounds <n>        rounds of each case, 7; fewer prove nothing
  --cases <a,b,…>     of: all, ${cases.map(({ name }) => name).join(', ')}
                      default: ${usual.join(', ')}
  --variants <a,b,…>  only these, besides the floor
  --against <folder>  another build of channelbox (a dist folder), measured beside this one
  --seed <n>          of the order within each round; default: the time
  --json <file>       the whole result; default artifacts/bench-compare.json
  --plot <file>       an SVG; default artifacts/bench-compare.svg
  --from <a,b,…>      shows kept results in place of measuring; several are put together
  --profile <folder>  writes a .cpuprofile of every server there; the figures are then no figures
`;

/** @returns undefined where only help was asked for */
export function readOptions(words) {
  const { values } = parseArgs({
    args: words,
    options: {
      rounds: { type: 'string', default: '7' },
      cases: { type: 'string', default: usual.join(',') },
      variants: { type: 'string' },
      against: { type: 'string' },
      dist: { type: 'string', default: 'dist' },
      seed: { type: 'string' },
      json: { type: 'string', default: 'artifacts/bench-compare.json' },
      plot: { type: 'string', default: 'artifacts/bench-compare.svg' },
      from: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return undefined;
  }
  const names = values.cases === 'all' ? cases.map(({ name }) => name) : values.cases.split(',');
  return {
    ...values,
    rounds: Number(values.rounds),
    seed: values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed),
    variants: values.variants?.split(','),
    from: values.from?.split(','),
    cases: names.map((name) => {
      const found = cases.find((candidate) => candidate.name === name);
      if (found === undefined)
        throw new Error(`there is no case ${name}; there are ${cases.map((one) => one.name).join(', ')}`);
      return found;
    }),
  };
}
