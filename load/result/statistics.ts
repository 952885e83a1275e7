/**
 * The statistics of a comparison are exact, for few rounds, without a distribution assumed.
 *
 * Rounds of two sides are paired (both ran within one round, in random order), so that under "no difference" each
 * difference is as likely to be `+d` as `-d`. That alone gives the signed-rank test its level: it counts, over all
 * `2^n` signs, how many rank sums are as far out as the one seen (Wilcoxon 1945; zeros after Pratt 1959).
 */

/** An interval that holds the true value with the confidence asked for; infinite where the rounds are too few to bound it. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Two-sided p of Wilcoxon's signed-rank test, exact for any number of differences, ties and zeros.
 *
 * The smallest p that `n` differences can give is `2 / 2^n`: 12 rounds can reach 0.0005, 5 rounds no less than 0.06.
 */
export function signedRankProbability(differences: readonly number[]): number {
  const ranks = doubledRanks(differences);
  const kept = ranks.filter((_, index) => differences[index] !== 0);
  if (kept.length === 0) return 1;
  const total = kept.reduce((sum, rank) => sum + rank, 0);
  const positive = ranks.reduce((sum, rank, index) => sum + ((differences[index] ?? 0) > 0 ? rank : 0), 0);
  const outer = Math.min(positive, total - positive);
  return Math.min(1, 2 * cumulative(rankSumDistribution(kept), outer));
}

/** The Hodges–Lehmann estimate: the median of all averages of two differences (each with itself included). */
export function pseudoMedian(differences: readonly number[]): number {
  return median(walshAverages(differences));
}

/**
 * The interval that the signed-rank test at `1 - confidence` does not reject.
 *
 * @param confidence between 0 and 1, for one metric; for several at once pass `1 - level / metrics`.
 */
export function pseudoMedianInterval(differences: readonly number[], confidence: number): Interval {
  const averages = walshAverages(differences);
  const ranks = differences.map((_, index) => 2 * (index + 1));
  const distribution = rankSumDistribution(ranks);
  const tail = (1 - confidence) / 2;
  let skipped = -1;
  let probability = 0;
  while (skipped + 1 < averages.length / 2) {
    probability += distribution[2 * (skipped + 1)] ?? 0;
    if (probability > tail) break;
    skipped += 1;
  }
  if (skipped < 0) return { low: -Infinity, high: Infinity };
  return { low: averages[skipped] ?? -Infinity, high: averages[averages.length - 1 - skipped] ?? Infinity };
}

/**
 * Holm's adjustment: comparing each result with one level keeps that level for all of them together,
 * however they depend on each other (Holm 1979).
 */
export function adjustJointly(probabilities: readonly number[]): readonly number[] {
  const order = probabilities.map((_, index) => index);
  order.sort((a, b) => (probabilities[a] ?? 1) - (probabilities[b] ?? 1));
  const adjusted: number[] = Array.from({ length: probabilities.length }, () => 1);
  let floor = 0;
  order.forEach((index, place) => {
    floor = Math.max(floor, Math.min(1, (probabilities[index] ?? 1) * (order.length - place)));
    adjusted[index] = floor;
  });
  return adjusted;
}

/** NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Ranks of the absolute differences, doubled so that the half ranks of ties stay whole. */
function doubledRanks(differences: readonly number[]): readonly number[] {
  const order = differences.map((_, index) => index);
  const size = (index: number): number => Math.abs(differences[index] ?? 0);
  order.sort((a, b) => size(a) - size(b));
  const ranks: number[] = Array.from({ length: differences.length }, () => 0);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (to + 1 < order.length && size(order[to + 1] ?? 0) === size(order[from] ?? 0)) to += 1;
    for (let place = from; place <= to; place += 1) ranks[order[place] ?? 0] = from + to + 2;
    from = to + 1;
  }
  return ranks;
}

/** Probability of each sum of the ranks that got a plus, all signs equally likely. */
function rankSumDistribution(ranks: readonly number[]): Float64Array {
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const distribution = new Float64Array(total + 1);
  distribution[0] = 1;
  let reached = 0;
  for (const rank of ranks) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum -= 1) {
      const without = distribution[sum] ?? 0;
      const within = sum >= rank ? (distribution[sum - rank] ?? 0) : 0;
      distribution[sum] = (without + within) / 2;
    }
  }
  return distribution;
}

function cumulative(distribution: Float64Array, upTo: number): number {
  let sum = 0;
  for (let index = 0; index <= upTo; index += 1) sum += distribution[index] ?? 0;
  return sum;
}

function walshAverages(differences: readonly number[]): number[] {
  const averages: number[] = [];
  for (let i = 0; i < differences.length; i += 1) {
    for (let j = i; j < differences.length; j += 1) averages.push(((differences[i] ?? 0) + (differences[j] ?? 0)) / 2);
  }
  return averages.sort((a, b) => a - b);
}
