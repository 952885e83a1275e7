/** Rooms are put into buckets by their size: 1, 2, 5, 10, 20, 50, … */

/** Smallest size of each bucket: 1, 2, 5, 10, 20, 50, … */
export const bucketSizes: readonly number[] = Array.from({ length: 8 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

/** Which bucket a room of this size belongs to. */
export function bucketOf(size: number): number {
  return bucketSizes.findLastIndex((smallest) => smallest <= size);
}
