import { pairsOf, type Plan } from '../../plan/plan.ts';
import { bucketOf } from '../../plan/room-bucket.ts';
import { Client, type ClientEvents } from './client.ts';

/**
 * The roster holds the clients of one process. Made before the first connection, so that what they cost is not counted
 * as the connections'.
 */
export class Roster {
  readonly clients: readonly Client[];
  readonly pairs: number;
  readonly #byIndex: Map<number, Client> = new Map();

  constructor(events: ClientEvents, plan: Plan, process: number) {
    const clients: Client[] = [];
    let pairBase = 0;
    for (let index = 0; index < plan.scenario.clients; index += 1) {
      if (plan.processOf[index] !== process) continue;
      const roomIndex = plan.roomOf[index] as number;
      const room = plan.rooms[roomIndex] as { name: string; size: number };
      const client = new Client(events, {
        index,
        room: room.name,
        roomIndex,
        pairBase,
        bucket: bucketOf(room.size),
      });
      clients.push(client);
      this.#byIndex.set(index, client);
      pairBase += pairsOf(plan, index);
    }
    this.clients = clients;
    this.pairs = pairBase;
  }

  /** Undefined for a client of another process. */
  get(index: number): Client | undefined {
    return this.#byIndex.get(index);
  }

  /** Someone is open and waits for the acknowledgement of its join, since `sinceUs` at the earliest. */
  hasJoinPending(sinceUs: number): boolean {
    return this.clients.some(({ state, openedUs }) => state === 'open' && openedUs > sinceUs);
  }
}
