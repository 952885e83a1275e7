import type { Checker } from '../api/event.ts';
import type { RunFacts, RunView } from '../run/view.ts';
import { indexOf, type ConnectionFacts } from './index-of.ts';

/** Each accepted connection's `onConnect` and `onDisconnect` ran once, in that order. */
export function hooksPaired(): Checker {
  return {
    name: 'hooksPaired',
    check: (run) => {
      const { facts } = run as Partial<RunView>;
      if (facts === undefined) return { checked: 0 };
      const byConn = new Map<number, RunFacts['hooks'][number][]>();
      for (const hook of facts.hooks) {
        const before = byConn.get(hook.conn);
        if (before === undefined) byConn.set(hook.conn, [hook]);
        else before.push(hook);
      }
      let checked = 0;
      for (const connection of indexOf(run).accepted) {
        const hooks = byConn.get(connection.conn);
        // A route without a consumer has no hooks; of a crashed node nothing more is to be seen.
        if (hooks === undefined || connection.silenced !== undefined) continue;
        checked += 1;
        const message = unpaired(connection, hooks);
        if (message === undefined) continue;
        const { accepted, gone } = connection;
        return { checked, fault: { message, witness: [accepted, gone].filter((event) => event !== undefined) } };
      }
      return { checked };
    },
  };
}

function unpaired({ c, conn, gone }: ConnectionFacts, hooks: RunFacts['hooks']): string | undefined {
  const count = (name: string, isBegin: boolean): number =>
    hooks.filter((hook) => hook.name === name && (hook.step === 'begin') === isBegin).length;
  const whose = `of ${c} (connection ${conn})`;
  const connects = count('onConnect', true);
  const disconnects = count('onDisconnect', true);
  if (connects !== 1) return `onConnect ${whose} ran ${connects} times`;
  if (disconnects > 1) return `onDisconnect ${whose} ran ${disconnects} times`;
  if (gone !== undefined && disconnects === 0) return `onDisconnect ${whose} never ran, and the connection is gone`;
  if (gone === undefined && disconnects > 0) return `onDisconnect ${whose} ran, and the connection is there`;
  if (disconnects === 0) return undefined;
  const left = hooks.findIndex((hook) => hook.name === 'onDisconnect');
  const entered = hooks.findIndex((hook) => hook.name === 'onConnect' && hook.step !== 'begin');
  return entered < 0 || entered > left ? `onDisconnect ${whose} ran before its onConnect had ended` : undefined;
}
