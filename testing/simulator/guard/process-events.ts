import type { World } from '../world/world.ts';
import type { Patches } from './patches.ts';

type ProcessListener = (...args: unknown[]) => void;

/** A run fails by what its app leaves unhandled; what is somebody else's goes to those who listen for it. */
export function guardProcess(patches: Patches, world: () => World | undefined): void {
  for (const name of ['unhandledRejection', 'uncaughtException'] as const) {
    const others = process.listeners(name as 'uncaughtException') as ProcessListener[];
    const listener: ProcessListener = (...args) => {
      const current = world();
      if (current?.context !== undefined) {
        current.onThrown(args[0]);
        return;
      }
      if (others.length === 0) throw args[0];
      for (const other of others) other.apply(process, args);
    };
    process.removeAllListeners(name);
    process.on(name, listener);
    patches.onRestore(() => {
      process.removeListener(name, listener);
      for (const other of others) process.on(name as 'uncaughtException', other);
    });
  }
}
