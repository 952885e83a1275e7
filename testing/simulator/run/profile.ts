import type { SimConfig } from '../api/report.ts';
import type { Simulation } from '../api/simulation.ts';
import type { Fault } from '../api/system.ts';
import { chanceOf } from '../tape/seed.ts';
import { drawKinds, type DrawKind, type Spread } from '../tape/tape.ts';
import { allFaults, isLayerFault } from './fault.ts';

/**
 * A profile says what one run is like: which kinds of things happen in it, and how often. Each run leaves some of them
 * out.
 */
export interface Profile {
  readonly clients: number;
  readonly steps: number;
  readonly actions: readonly { readonly name: string; readonly weight: number }[];
  readonly faults: readonly Fault[];
  /** Of steps that are a fault, 0 … 1. */
  readonly faultShare: number;
  /** Of actions that end a connection, 0 … 1. */
  readonly churn: number;
  /** Of gaps between steps that are 0, 0 … 1. */
  readonly burst: number;
  readonly gapMaxMs: number;
  readonly spreads: Partial<Readonly<Record<DrawKind, Spread>>>;
  readonly config: SimConfig;
}

/** 0 … 1 for a name: the only chance that a profile has. */
type ChanceOf = (name: string) => number;

export function profileOf(simulation: Simulation, runSeed: number, isPlain = false): Profile {
  const chance: ChanceOf = (name) => chanceOf(runSeed, `profile ${name}`) / 2 ** 32;
  const { clients = 4, steps = 80, churn = 0.25 } = simulation;
  const faults = faultsOf(simulation, chance);
  if (isPlain) return plainProfile(simulation);
  return {
    clients: 1 + Math.floor(clients * chance('clients') ** 1.3),
    steps: Math.max(1, Math.ceil(steps * (0.15 + 0.85 * chance('steps')))),
    actions: actionsOf(simulation, chance),
    faults,
    faultShare: faults.length === 0 ? 0 : pickOf([0.03, 0.08, 0.2], chance('fault share')),
    churn: churn * pickOf([0, 0.4, 1, 1, 1.6], chance('churn')),
    burst: pickOf([0.5, 0.5, 0.8, 0.2], chance('burst')),
    gapMaxMs: pickOf([10, 10, 100, 1_000, 10_000], chance('gap')),
    spreads: simulation.faults === 'none' ? delaysOf(chance, 0.5) : delaysOf(chance, 0.35),
    config: configOf(chance),
  };
}

/** All clients, all actions, one thing at each instant, a quiet network. */
function plainProfile({ clients = 4, steps = 80, churn = 0.25, actions }: Simulation): Profile {
  const all = Object.entries(actions).map(([name, action]) => ({
    name,
    weight: typeof action === 'function' ? 1 : action[0],
  }));
  const none = { faults: [], faultShare: 0, spreads: {}, config: {} };
  return { clients, steps, actions: all, churn, burst: 0.5, gapMaxMs: 4, ...none };
}

/** Half of the kinds are left out of a run; what the author names by himself is left out of a third of them. */
function faultsOf({ faults = 'swarm', nodes = 1 }: Simulation, chance: ChanceOf): readonly Fault[] {
  if (faults === 'none') return [];
  const kinds = faults === 'swarm' ? allFaults : faults;
  const share = faults === 'swarm' ? 0.5 : 0.65;
  return kinds.filter((fault) => {
    const isPointless = faults === 'swarm' && isLayerFault(fault) && fault !== 'layerForget' && nodes === 1;
    return chance(`fault ${fault}`) < (isPointless ? share / 4 : share);
  });
}

function actionsOf({ actions }: Simulation, chance: ChanceOf): readonly { name: string; weight: number }[] {
  const all = Object.entries(actions).map(([name, action]) => ({
    name,
    weight: typeof action === 'function' ? 1 : action[0],
  }));
  const kept = all.filter(({ name }) => chance(`action ${name}`) >= 0.25);
  const chosen = kept.length === 0 ? all : kept;
  return chosen.map(({ name, weight }) => ({ name, weight: weight * (0.5 + chance(`weight ${name}`)) }));
}

function delaysOf(chance: ChanceOf, leftOut: number): Profile['spreads'] {
  const spreads: Partial<Record<DrawKind, Spread>> = {};
  for (const kind of drawKinds) {
    if (chance(`delays ${kind}`) < leftOut) continue;
    const share = pickOf([0.05, 0.2, 0.5], chance(`share ${kind}`));
    spreads[kind] = { share, max: pickOf([2, 5, 30, 200], chance(`max ${kind}`)) };
  }
  return spreads;
}

function configOf(chance: ChanceOf): SimConfig {
  const config: { -readonly [Key in keyof SimConfig]: SimConfig[Key] } = {};
  if (chance('latency') < 0.3) config.latencyMs = pickOf([2, 5, 20], chance('latency ms'));
  if (chance('window') < 0.4) config.windowBytes = pickOf([16_384, 24_576, 32_768], chance('window bytes'));
  if (chance('chunks') < 0.4) config.chunks = true;
  if (chance('accepts') < 0.3) config.acceptsNow = true;
  if (chance('layer') < 0.3) config.layerMs = pickOf([2, 5, 20], chance('layer ms'));
  return config;
}

export function pickOf<T>(list: readonly T[], chance: number): T {
  return list[Math.min(list.length - 1, Math.floor(chance * list.length))] as T;
}
