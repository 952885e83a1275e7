import type { App } from '../../../src/index.ts';
import type { SimClient } from '../api/client.ts';
import type { SimEvent, SimView } from '../api/event.ts';
import type { System } from '../api/system.ts';
import { SimLayer } from '../layer/layer.ts';
import type { HookFact, RunStage } from './stage.ts';

/** What a checker may know of a simulated run besides its history. A recording of a real one has none of it. */
export interface RunFacts {
  readonly hooks: readonly HookFact[];
  /** Of the connections that are there: the server's end is not over. */
  connections(): readonly {
    readonly node: string;
    readonly c: string;
    readonly conn: number;
    readonly groups: readonly string[];
    /** Its client is still on it. */ readonly isThere: boolean;
  }[];
  /** Ids of members by group, as the layer has them; undefined where no node has read `env.layer`. */
  layerMembers(): ReadonlyMap<string, readonly string[]> | undefined;
  /** Ids of the connections that are members, as the app has them. */
  appMembers(): ReadonlyMap<string, readonly string[]>;
}

/** Conditions and checkers see one run by this. Its parts may be taken from it one by one. */
export class RunView implements SimView {
  readonly facts: RunFacts;
  readonly members: (group: string) => readonly string[];
  readonly reached: (label: string) => boolean;
  readonly #stage: RunStage;

  constructor(stage: RunStage) {
    this.#stage = stage;
    const members = (group: string): readonly string[] =>
      stage.links.flatMap((link) => {
        const isMember = !link.isFenced && link.connection?.memberships.includes(group) === true;
        return isMember ? [link.client.name] : [];
      });
    const reached = (label: string): boolean => stage.marks.has(label);
    this.members = members;
    this.reached = reached;
    this.facts = factsOf(stage);
  }

  get now(): number {
    return this.#stage.world.nowMs;
  }

  get system(): System {
    return this.#stage.nodes[0]?.system as System;
  }

  get nodes(): readonly { name: string; app: App; system: System; boots: number }[] {
    return this.#stage.nodes.map(({ name, app, system, boots }) => ({ name, app, system, boots }));
  }

  get clients(): readonly SimClient[] {
    return [...this.#stage.clients.values()];
  }

  get history(): readonly SimEvent[] {
    return this.#stage.world.record.history;
  }
}

function factsOf(stage: RunStage): RunFacts {
  return {
    hooks: stage.hooks,
    connections: () =>
      stage.links.flatMap((link) => {
        if (link.isFenced || link.isOver || !link.wasAccepted) return [];
        const groups = link.connection?.memberships ?? [];
        return [
          { node: link.node.name, c: link.client.name, conn: link.conn, groups, isThere: link.client.isOn(link) },
        ];
      }),
    layerMembers: () => {
      const { broker } = stage;
      if (broker === undefined || !stage.nodes.some(({ layer }) => layer instanceof SimLayer)) return undefined;
      return new Map([...broker.groups()].map(([group, members]) => [group, members.map(({ uuid }) => uuid)]));
    },
    appMembers: () => {
      const members = new Map<string, string[]>();
      for (const { isFenced, connection } of stage.links) {
        if (isFenced || connection === undefined) continue;
        for (const group of connection.memberships) {
          const ids = members.get(group);
          if (ids === undefined) members.set(group, [connection.id]);
          else ids.push(connection.id);
        }
      }
      return members;
    },
  };
}
