import type { ConnectTo } from '../api/client.ts';
import type { SimStep } from '../api/report.ts';
import type { Fault } from '../api/system.ts';
import { Choice } from '../tape/choice.ts';
import { chanceOf } from '../tape/seed.ts';
import type { SimulatedClient } from '../world/client.ts';
import { isLinkFault } from './fault.ts';
import { pickOf, type Profile } from './profile.ts';
import type { RunStage } from './stage.ts';

/**
 * Makes up the steps of a run while it goes: what to do is chosen among what applies at that moment, and then written down
 * as a step that says it all.
 */
export class StepGenerator {
  readonly #stage: RunStage;
  readonly #profile: Profile;
  readonly #seed: number;
  readonly #clients: readonly SimulatedClient[];
  #count = 0;
  #atMs = 0;

  constructor(stage: RunStage, profile: Profile, runSeed: number) {
    this.#stage = stage;
    this.#profile = profile;
    this.#seed = runSeed;
    this.#clients = Array.from({ length: profile.clients }, (_, at) => stage.client(`c${at + 1}`));
  }

  /** When the next step is due; undefined: there is none. */
  nextAtMs(): number | undefined {
    if (this.#count >= this.#profile.steps) return undefined;
    this.#count += 1;
    const { burst, gapMaxMs } = this.#profile;
    if (this.#chance('burst') >= burst) this.#atMs += 1 + Math.floor(this.#chance('gap') ** 2 * gapMaxMs);
    return this.#atMs;
  }

  /** What happens then; undefined: nothing applies. */
  step(): SimStep | undefined {
    const { faults, faultShare } = this.#profile;
    if (faults.length > 0 && this.#chance('is a fault') < faultShare) {
      const fault = this.#faultStep(pickOf(faults, this.#chance('which fault')));
      if (fault !== undefined) return fault;
    }
    const free = this.#clients.filter(({ isBusy, state }) => !isBusy && (state === 'open' || state === 'closed'));
    if (free.length === 0) return undefined;
    const client = pickOf(free, this.#chance('which client'));
    return client.state === 'closed' ? this.#connectStep(client) : this.#actionStep(client);
  }

  #connectStep(client: SimulatedClient): SimStep | undefined {
    const { connect } = this.#stage.simulation;
    const choice = this.#choiceOf(client);
    const to = connect === undefined ? '/' : this.#stage.world.asClient(() => connect(client, choice));
    if (to === undefined) return undefined;
    const { path, ...more }: ConnectTo = typeof to === 'string' ? { path: to } : to;
    const { slots } = this.#stage;
    const node = more.node ?? (slots.length > 1 ? pickOf(slots, this.#chance('which node')).name : undefined);
    const options = node === undefined ? more : { ...more, node };
    const args = Object.keys(options).length === 0 ? [path] : [path, options];
    return this.#at({ client: client.name, op: 'connect', args });
  }

  #actionStep(client: SimulatedClient): SimStep | undefined {
    if (this.#chance('churns') < this.#profile.churn) {
      const op = this.#chance('by a close frame') < 0.5 ? 'close' : 'drop';
      return this.#at({ client: client.name, op, args: op === 'close' ? [1000] : [] });
    }
    const { actions } = this.#profile;
    let left = this.#chance('which action') * actions.reduce((sum, { weight }) => sum + weight, 0);
    const chosen = actions.find(({ weight }) => (left -= weight) < 0) ?? actions.at(-1);
    return chosen === undefined ? undefined : this.#at({ client: client.name, action: chosen.name });
  }

  #faultStep(fault: Fault): SimStep | undefined {
    const small = this.#chance('how long') ** 2;
    const { slots } = this.#stage;
    if (isLinkFault(fault)) {
      const wanted = this.#clients.filter(({ link }) => fault === 'refuse' || link !== undefined);
      if (wanted.length === 0) return undefined;
      const { name } = pickOf(wanted, this.#chance('whose fault'));
      return this.#at({ fault, client: name, ms: Math.floor(small * longestMs[fault]) });
    }
    if (fault === 'layerSlow' || fault === 'layerForget') {
      return this.#stage.broker === undefined
        ? undefined
        : this.#at({ fault, ms: Math.floor(small * longestMs[fault]) });
    }
    if (fault === 'layerPartition' && this.#stage.broker === undefined) return undefined;
    const node = pickOf(slots, this.#chance('which node fails')).name;
    const sign = fault === 'clockJump' && this.#chance('back') < 0.5 ? -1 : 1;
    return this.#at({ fault, node, ms: sign * (1 + Math.floor(small * longestMs[fault])) });
  }

  #at<const T extends object>(what: T): T & { readonly id: number; readonly at: number } {
    return { id: this.#count, at: this.#stage.world.nowMs, ...what };
  }

  #choiceOf(client: SimulatedClient): Choice {
    return new Choice({ seed: this.#seed, step: this.#count, client: client.name, draws: undefined });
  }

  #chance(what: string): number {
    return chanceOf(this.#seed, `step ${this.#count} ${what}`) / 2 ** 32;
  }
}

const longestMs: Readonly<Record<Fault, number>> = {
  cut: 0,
  halfOpen: 20_000,
  stall: 3_000,
  slowReader: 3_000,
  refuse: 2_000,
  pause: 3_000,
  clockJump: 7_200_000,
  crash: 2_000,
  drain: 2_000,
  layerSlow: 1_000,
  layerPartition: 4_000,
  layerForget: 0,
};
