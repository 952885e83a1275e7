// Kept from before the guard, or a test's fake timers, can replace it.
const { setImmediate } = globalThis;

/** One visit of the event loop costs more than all that a small event does, so that many turns are taken at each. */
const turnsAtOnce = 64;

const waiters: ((value?: unknown) => void)[] = [];
let scheduled = 0;

/**
 * Resolves when all promise chains and ticks that are under way have ended, however deep they go: Node ends them before each callback of
 * `setImmediate`, also between two of one visit.
 */
export function atTurnEnd(resolve: (value?: unknown) => void): void {
  waiters.push(resolve);
  if (scheduled >= waiters.length) return;
  scheduled += turnsAtOnce;
  for (let turn = 0; turn < turnsAtOnce; turn += 1) setImmediate(endTurn);
}

function endTurn(): void {
  scheduled -= 1;
  waiters.shift()?.();
}
