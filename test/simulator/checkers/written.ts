/** Histories written by hand, so that each shows one thing: client `c1` is on connection 1, and so on. */
import type { Checker, SimEvent, SimView } from 'channelbox/testing/simulator';

type Events = readonly (SimEvent | readonly SimEvent[])[];

/** A run that is over, of which only the history is known: what a recording of the load kit is. */
export function runOf(events: Events, more: object = {}): SimView {
  const history = events.flat() as SimEvent[];
  return {
    now: 70_000,
    history,
    system: undefined as never,
    nodes: [],
    clients: [],
    members: () => [],
    reached: () => false,
    ...more,
  };
}

/** What a checker says of it. */
export function said(checker: Checker, events: Events, more: object = {}): ReturnType<Checker['check']> {
  return checker.check(runOf(events, more));
}

const nameOf = (conn: number): string => `c${conn}`;

/** Connected, let in and in the group. */
export function comes(conn: number, { t = 0, group = 'g' }: { t?: number; group?: string } = {}): SimEvent[] {
  const who = { t, c: nameOf(conn), conn, node: 'n1' };
  return [
    { ...who, e: 'connect' },
    { ...who, e: 'accepted' },
    { ...who, e: 'open' },
    { ...who, e: 'join', group },
  ];
}

/** A client says what can be known again by its stamp. */
export function says(
  conn: number,
  stamp: string,
  { t = 10, text = stamp }: { t?: number; text?: string } = {},
): SimEvent {
  return { t, e: 'send', c: nameOf(conn), conn, text, stamps: stamp === '' ? [] : [stamp] };
}

/** Its node delivers it to the connections `to`; saved where it has an offset. */
export function delivers(
  no: number,
  stamp: string,
  { to, t = 20, offset, group = 'g' }: { to: readonly number[]; t?: number; offset?: number; group?: string },
): SimEvent {
  const event = {
    t,
    e: 'deliver',
    no,
    node: 'n1',
    group,
    stamps: [stamp],
    members: to.map(nameOf),
    conns: to,
  } as const;
  return offset === undefined ? event : { ...event, position: { epoch: 'e', offset } };
}

/** A client gets a frame: `of` a delivery, else one that the app sent it by itself, such as a page. */
export function gets(
  conn: number,
  stamps: string | readonly string[],
  { t = 30, of, frame }: { t?: number; of?: number; frame?: object } = {},
): SimEvent {
  const all = typeof stamps === 'string' ? [stamps] : stamps;
  const text = frame === undefined ? all.join(' ') : JSON.stringify(frame);
  const event = { t, e: 'recv', c: nameOf(conn), conn, text, stamps: all } as const;
  return of === undefined ? event : { ...event, of };
}

export function ends(conn: number, e: 'close' | 'gone' | 'serverClose', code: number, t = 40): SimEvent {
  return { t, e, c: nameOf(conn), conn, code };
}

export function leaves(conn: number, t: number, group = 'g'): SimEvent {
  return { t, e: 'leave', node: 'n1', c: nameOf(conn), conn, group };
}
