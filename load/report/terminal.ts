import { createColors } from 'picocolors';
import type { Machine } from '../run/doctor.ts';

/**
 * A command sees this, and nothing else, of the process it runs in, so that commands can be run by tests. Results go
 * to `out`, everything else to `note`: a pipe gets results only.
 */
export interface Terminal {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether standard error is a terminal that can be drawn on. */
  readonly isInteractive: boolean;
  readonly isOutColoured: boolean;
  readonly isNoteColoured: boolean;
  /** Characters in a line of it. */
  readonly columns: number;
  readonly machine: Machine;
  /** Writes as it is; the caller ends its lines. */
  out(text: string): void;
  note(text: string): void;
  /** Called at each Ctrl-C until the returned function is called. */
  onInterrupt(callback: () => void): () => void;
  /** Real milliseconds that never jump. */
  nowMs(): number;
  /** Ends the process now, without waiting for anything. */
  abort(code: number): void;
}

/** Colours of a stream, or none. */
export type Palette = ReturnType<typeof createColors>;

export function palette(isColoured: boolean): Palette {
  return createColors(isColoured);
}

/**
 * Whether a stream is coloured: `NO_COLOR` (any value but an empty one, no-color.org) says no, then `FORCE_COLOR` says yes,
 * else a terminal is and a pipe is not.
 */
export function isColoured(environment: Terminal['environment'], isTerminal: boolean): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '') return false;
  const forced = environment['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced !== '0';
  return isTerminal && environment['TERM'] !== 'dumb';
}
