import { mean, median } from './statistics.mjs';

/** What is owed, as ratios within one run. `of` and `to` name variants; a floor stands for the mean of its two runs. */
const owed = [
  {
    what: 'paced, user CPU to raw net',
    case: 'paced-128-1000',
    by: 'user',
    of: 'channelbox',
    to: 'raw',
    must: 1.6,
    ambition: 1.25,
  },
  {
    what: 'paced, total CPU to raw net',
    case: 'paced-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'raw',
    must: 1.2,
    ambition: 1.08,
  },
  {
    what: 'burst of 20 to uncoalesced raw',
    case: 'burst-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'raw',
    must: 0.15,
    ambition: 0.09,
  },
  {
    what: 'burst of 20 to joined raw',
    case: 'burst-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'raw joined',
    must: 1.5,
    ambition: 1.15,
  },
  {
    what: 'paced, total CPU to Socket.IO',
    case: 'paced-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'Socket.IO',
    must: 0.75,
    ambition: 0.65,
  },
  {
    what: 'burst of 20 to Socket.IO',
    case: 'burst-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'Socket.IO',
    must: 0.12,
    ambition: 0.07,
  },
  {
    what: 'paced, total CPU to crossws',
    case: 'paced-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'crossws',
    must: 0.9,
    ambition: 0.78,
  },
  {
    what: 'burst of 20 to crossws',
    case: 'burst-128-1000',
    by: 'total',
    of: 'channelbox',
    to: 'crossws',
    must: 0.12,
    ambition: 0.07,
  },
  {
    what: 'saturated echo to plain ws',
    case: 'echo-saturated',
    by: 'total',
    of: 'channelbox',
    to: 'ws',
    must: 0.8,
    ambition: 0.65,
  },
  {
    what: 'ping-pong, median round trip to plain ws',
    case: 'echo-ping-pong',
    by: 'medianUs',
    of: 'channelbox',
    to: 'ws',
    must: 1.1,
    ambition: 1.03,
  },
  {
    what: 'connect CPU to ws noServer',
    case: 'connect',
    by: 'total',
    of: 'channelbox',
    to: 'ws',
    must: 1.3,
    ambition: 1.15,
  },
  {
    what: 'idle consumer, KB of JS heap over http + ws',
    case: 'idle',
    by: 'heapBytes',
    of: 'channelbox',
    over: 'ws',
    must: 1.2,
    ambition: 0.6,
  },
  {
    what: 'compressed broadcast to the same uncompressed',
    case: 'compressed',
    by: 'total',
    of: 'channelbox compressed',
    to: 'channelbox plain',
    must: 1.5,
    ambition: 1.2,
  },
  {
    what: 'compressed broadcasts, KB left per member',
    case: 'compressed-memory',
    by: 'rssBytes',
    of: 'channelbox compressed',
    over: 'channelbox plain',
    must: 2,
    ambition: 0,
  },
];

/** Beyond it a floor disagrees with itself, and nothing can be judged by it. */
export const noiseMin = 0.93;
export const noiseMax = 1.07;
const kilobyte = 1024;

/** Values of one variant, or of a floor: round by round the mean of its two runs. */
export function valuesOf(samples, name, by) {
  const alone = samples[name];
  if (alone !== undefined) return alone.map((sample) => sample[by]);
  const [first, second] = [samples[`${name} #1`], samples[`${name} #2`]];
  if (first === undefined || second === undefined) return undefined;
  return first.map((sample, round) => mean([sample[by], second[round][by]]));
}

/** How the floor's second run compares with its first, in the median; undefined for memory, which repeats. */
export function noiseOf(samples, floor, by) {
  const [first, second] = [samples[`${floor} #1`], samples[`${floor} #2`]];
  if (first === undefined || second === undefined || first[0][by] === undefined) return undefined;
  return median(second.map((sample, round) => sample[by] / first[round][by]));
}

/** User time is sampled by the kernel's tick: only its sum over all rounds says something. */
export function ratioOf(samples, { of, to, by }) {
  const [ours, theirs] = [valuesOf(samples, of, by), valuesOf(samples, to, by)];
  if (ours === undefined || theirs === undefined) return undefined;
  if (by === 'user') return mean(ours) / mean(theirs);
  return median(ours.map((value, round) => value / theirs[round]));
}

export function verdicts(results) {
  return owed.flatMap((claim) => {
    const result = results.find(({ name }) => name === claim.case);
    if (result === undefined) return [];
    const measured = claim.over === undefined ? ratioOf(result.samples, claim) : differenceOf(result.samples, claim);
    if (measured === undefined) return [];
    const verdict = !result.isJudged
      ? 'not judged'
      : measured > claim.must
        ? 'MISSED'
        : measured > claim.ambition
          ? 'pass'
          : 'ambition';
    return [{ ...claim, measured, verdict }];
  });
}

function differenceOf(samples, { of, over, by }) {
  const [ours, theirs] = [valuesOf(samples, of, by), valuesOf(samples, over, by)];
  if (ours === undefined || theirs === undefined) return undefined;
  return (median(ours) - median(theirs)) / kilobyte;
}
