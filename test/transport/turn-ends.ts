/** Resolves once what this turn of the event loop wrote has left. */
export function turnEnds(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}
