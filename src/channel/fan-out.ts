import type { Counts, SendOutcome } from '../layer/layer.ts';
import type { Payload } from '../protocol/payload.ts';
import { frameOf } from '../protocol/codec.ts';
import type { Probe } from '../probe.ts';
import type { Frame } from '../protocol/frame.ts';
import type { SocketChannel } from './channel.ts';
import type { Group } from './groups.ts';

export interface FanOutOptions {
  readonly except: ReadonlySet<SocketChannel> | undefined;
  readonly nowMs: number;
  /** For members whose resume is under way; undefined: this one is not held after all. */
  readonly buffer: (member: SocketChannel, frame: Frame) => SendOutcome | undefined;
  /** Is told of each frame and outcome, with the token of this delivery. */
  readonly probe: Probe | undefined;
  readonly token: unknown;
}

/**
 * One payload goes to the members of a group: one encoding for each kind of channel among them, one write a member,
 * and for a member no promise, closure, array or buffer. A dead member is counted, a slow one is not waited for.
 */
export function fanOut(group: Group<SocketChannel>, payload: Payload, options: FanOutOptions): Counts {
  const { except, nowMs, buffer, probe, token } = options;
  const counts: Counts = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
  const isBytes = payload.kind === 'bytes';
  let json: Frame | undefined;
  let text: Frame | undefined;
  let bytes: Frame | undefined;
  let told: Frame | undefined;
  let slow: SocketChannel[] | undefined;
  for (const member of group.members) {
    if (except !== undefined && except.has(member)) continue;
    if (isBytes && member.payloadType !== 'bytes') {
      // The sender's node has checked its own members; who comes from elsewhere cannot know of these.
      counts.members += 1;
      counts.dropped += 1;
      continue;
    }
    let frame: Frame;
    if (member.payloadType === 'json') {
      // Plain data is the same frame for json and text channels.
      json ??= payload.kind === 'json' ? (text ??= frameOf(payload, 'text')) : frameOf(payload, 'json');
      frame = json;
    } else if (member.payloadType === 'text') frame = text ??= frameOf(payload, 'text');
    else frame = bytes ??= frameOf(payload, 'bytes');
    counts.members += 1;
    if (probe !== undefined && frame !== told) {
      told = frame;
      probe.held?.(frame, token);
    }
    const outcome = (member.isHolding ? buffer(member, frame) : undefined) ?? member.socket.deliverFrame(frame, nowMs);
    counts[outcome] += 1;
    probe?.outcome?.(member.socket, outcome, frame);
    if (outcome === 'dropped') (slow ??= []).push(member);
  }
  // Not before all have it: what a hook says of the closing must not overtake it at some of them.
  for (const member of slow ?? []) member.socket.handleBackpressure();
  return counts;
}
