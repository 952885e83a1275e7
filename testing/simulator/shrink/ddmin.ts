/** This makes a list smaller for as long as it still fails for the same reason. */

/** Whether a smaller list still fails for the same reason. */
export type StillFails<T> = (smaller: readonly T[]) => Promise<boolean>;

/**
 * Takes away what is not needed: halves first, then ever smaller parts, then each by itself (Zeller and Hildebrandt 2002,
 * minimising delta debugging). The order of what is left stays.
 */
export async function ddmin<T>(items: readonly T[], stillFails: StillFails<T>): Promise<readonly T[]> {
  let left = items;
  let parts = 2;
  while (left.length > 0) {
    const size = Math.ceil(left.length / parts);
    let hasShrunk = false;
    // From the end: what comes last is needed least.
    for (let end = left.length; end > 0; end -= size) {
      const start = Math.max(0, end - size);
      const smaller = [...left.slice(0, start), ...left.slice(end)];
      if (!(await stillFails(smaller))) continue;
      left = smaller;
      hasShrunk = true;
    }
    if (size === 1 && !hasShrunk) break;
    if (size > 1) parts = Math.min(left.length, parts * 2);
    if (left.length === 0) break;
    parts = Math.max(2, Math.min(parts, left.length));
  }
  return left;
}
