import type { Message } from '../../src/index.ts';
import type { WaitOptions } from '../client/client.ts';
import { durationMs } from '../../src/internal.ts';
import type { LinkClient } from '../client/link-client.ts';
import { describeMatch, matchFrame, show, valueOf } from '../client/matchers.ts';
import { Deferred } from '../time/observed-promise.ts';
import { cannotTell } from '../client/wait.ts';

/** This says how long something must stay away. */
export interface Absence extends WaitOptions {
  /** Accepts a real pause for handlers that wait on something outside. */
  realMs?: number;
}

/**
 * Resolves when everything around a client has come to rest, `within` later on its clock.
 * @param call as a message names it
 * @throws {Error} an error of the app that nobody has seen; "cannot tell", where a handler is parked
 */
export function restOf(client: LinkClient, call: string, wait: Absence, origin: { stack?: string }): Promise<void> {
  const { host } = client;
  const byMs = wait.within === undefined ? 0 : durationMs(wait.within);
  const realMs = wait.realMs ?? (host.isVirtual ? undefined : byMs || host.patienceMs);
  const { promise, resolve, reject } = new Deferred<void>();
  const refuse = (error: unknown): void => {
    host.refusals.push({ error, promise });
    reject(error);
  };
  host.addMover({
    call,
    byMs,
    realMs,
    activity: client.activity,
    resolve: () => resolve(),
    reject: refuse,
    doubt: (parked) => {
      refuse(cannotTell(call, parked, origin));
      return true;
    },
  });
  return promise;
}

/** Where among the frames that are not read yet one matches. Reads none. */
export async function findUnread(client: LinkClient, match: unknown): Promise<string | undefined> {
  const { name, readCount } = client;
  for (const [at, frame] of [...client.unread].entries()) {
    if ((await matchFrame(frame, match)).isMatch) {
      return `frame ${readCount + at + 1} of ${name} is it: ${show(valueOf(frame))}`;
    }
  }
  return undefined;
}

/** Where among them some stand one behind the other, without others in between. Reads none. */
export async function findSequence(client: LinkClient, matches: readonly unknown[]): Promise<string | undefined> {
  const { name, readCount } = client;
  const frames = [...client.unread];
  for (let from = 0; from + matches.length <= frames.length; from += 1) {
    const verdicts = await Promise.all(
      matches.map(async (match, at) => matchFrame(frames[from + at] as Message, match)),
    );
    if (!verdicts.every((verdict) => verdict.isMatch)) continue;
    return `frames ${readCount + from + 1} to ${readCount + from + matches.length} of ${name} are ${matches.map(describeMatch).join(', ')}`;
  }
  return undefined;
}
