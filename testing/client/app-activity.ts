import type { Upgrade } from '../../src/index.ts';
import type { WatchedApp } from '../time/watched-app.ts';

/** A client and its waits ask this of the app at the other end. */
export interface AppActivity extends WatchedApp {
  /** The first error of the connection that was asked for so, seen or not. */
  errorOf(upgrade: Upgrade | undefined): unknown;
  /** Marks all errors of that connection as seen, and returns the first of them. */
  seeErrorsOf(upgrade: Upgrade | undefined): unknown;
}
