import type { FoundFailure, RunStage } from './stage.ts';

/**
 * Leftovers are what outlived its connection, once all has come to rest: a handler, a membership, a timer. The first
 * that is found.
 */
export function leftoverOf(stage: RunStage): FoundFailure | undefined {
  for (const link of stage.links) {
    const { connection, client, conn } = link;
    if (connection === undefined || link.isFenced || !link.isOver) continue;
    const witness = stage.world.record.history.filter((event) => event.e === 'gone' && event.conn === conn);
    const where = `of ${client.name} (connection ${conn}, route ${connection.route ?? 'none'})`;
    if (connection.memberships.length > 0) {
      return {
        kind: 'leftover',
        name: 'membership',
        message: `a membership ${where} outlives it: ${connection.memberships.join(', ')}`,
        witness,
      };
    }
    if (link.isRunning) {
      const lastCall = link.lastCall === '' ? '' : `, whose last call into the framework was ${link.lastCall}`;
      return {
        kind: 'leftover',
        name: `handler ${connection.hook}`,
        message:
          `the ${connection.hook} ${where} still runs${lastCall}: it waits for something that virtual time cannot bring; ` +
          'where that is a call to the outside, let it be env.io() or a fake on env.clock',
        witness,
      };
    }
  }
  return timerLeft(stage);
}

function timerLeft(stage: RunStage): FoundFailure | undefined {
  for (const node of stage.nodes) {
    for (const timer of node.clock.timers) {
      if (timer.isOwn || timer.owner === undefined) continue;
      const link = stage.links.find((each) => each === timer.owner);
      if (link === undefined || !link.isOver || link.connection === undefined) continue;
      const label = timer.label === '' ? '' : ` «${timer.label}»`;
      return {
        kind: 'leftover',
        name: `timer${label === '' ? '' : ` ${timer.label}`}`,
        message: `a timer${label} that the code of ${link.client.name} (connection ${link.conn}) set outlives it`,
        witness: stage.world.record.history.filter((event) => event.e === 'gone' && event.conn === link.conn),
      };
    }
  }
  return undefined;
}
