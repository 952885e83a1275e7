import { inspect } from 'node:util';
import { TestTimer, type TestClock } from '../time/clock.ts';
import type { LinkClient } from '../client/link-client.ts';
import { show, valueOf } from '../client/matchers.ts';
import { isFramework, placeOf, RunningHandler, type HandlerActivity } from './handler-activity.ts';
import type { FailedCall } from '../time/observed-promise.ts';

/** Leaks are what a test left behind, as one list. */
export class Leaks {
  readonly #items: string[] = [];
  readonly #causes: unknown[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  get text(): string {
    const count = this.#items.length === 1 ? 'one thing' : `${this.#items.length} things`;
    return `the test left ${count} behind:\n${this.#items.map((item) => `  • ${indent(item)}`).join('\n')}`;
  }

  /** One error for all of it; its cause is the first error that nobody saw. */
  error(): Error {
    const error = new Error(this.text, this.#causes.length === 0 ? {} : { cause: this.#causes[0] });
    error.name = 'LeftoverError';
    error.stack = `${error.name}: ${error.message}`;
    return error;
  }

  addErrors(activity: HandlerActivity): void {
    for (const { error, context, isSeen, upgrade } of activity.failures) {
      if (isSeen) continue;
      this.#causes.push(error);
      const where = placeOf(context, activity.nameOf(upgrade));
      this.#items.push(`an error that nobody saw, in ${where}:\n${textOf(error)}`);
    }
  }

  addRunning(activity: HandlerActivity): void {
    for (const running of activity.running) {
      this.#items.push(
        `a handler still runs after its client has left: ${running.describe()}\n` +
          'Let it end with its client (ws.signal tells), or move the clock as far as it waits.',
      );
    }
  }

  addTimers(clock: TestClock, activity: HandlerActivity): void {
    for (const timer of clock.pending()) {
      const owner = timer instanceof TestTimer ? timer.owner : undefined;
      if (!(owner instanceof RunningHandler) || !owner.belongsTo(activity) || activity.running.has(owner)) continue;
      const label = timer.label === '' ? 'a timer' : `a timer (${timer.label})`;
      const inMs = timer.dueMs - clock.monotonic();
      this.#items.push(`${label} is left, due in ${inMs} ms, set by ${owner.place}:\n${linesOfUser(timer.stack)}`);
    }
  }

  addMemberships(activity: HandlerActivity): void {
    for (const connection of activity.connections) {
      if (connection.isOpen || connection.memberships.length === 0) continue;
      this.#items.push(
        `a closed socket is still in ${connection.memberships.join(', ')}: ${placeOf({ route: connection.route, hook: connection.hook, connection: connection.id }, activity.nameOf(connection.upgrade))}`,
      );
    }
  }

  addUnread(clients: readonly LinkClient[]): void {
    for (const { name, unread } of clients) {
      if (unread.length === 0) continue;
      const first = unread.slice(0, 3).map((frame) => show(valueOf(frame)));
      const more = unread.length > 3 ? `, and ${unread.length - 3} more` : '';
      this.#items.push(`${unread.length} unread at ${name}: ${first.join(', ')}${more}`);
    }
  }

  addForgotten(refusals: readonly FailedCall[]): void {
    for (const { error, promise } of refusals) {
      if (promise.isAwaited) continue;
      this.#causes.push(error);
      this.#items.push(`a failure that nobody awaited (is an await missing?):\n${textOf(error)}`);
    }
  }
}

/** With the lines of a stack that are the user's; a runner's say nothing. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  return linesOfUser(error.stack ?? String(error));
}

function linesOfUser(stack: string): string {
  const lines = stack.split('\n');
  const isForeign = (line: string): boolean =>
    /^\s+at /.test(line) && (/node_modules|node:|new Promise \(<anonymous>\)/.test(line) || isFramework(line));
  return lines.filter((line) => !isForeign(line)).join('\n');
}

function indent(item: string): string {
  return item.replaceAll('\n', '\n    ');
}
