/** The same promise; a rejection of it harms nobody who awaits it late, or never. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
