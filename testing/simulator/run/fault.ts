import type { SimStep } from '../api/report.ts';
import type { Fault, LayerFault, LinkFault, NodeFault } from '../api/system.ts';
import { SimLayer } from '../layer/layer.ts';
import type { NodeSlot, RunStage } from './stage.ts';

export type FaultStep = Extract<SimStep, { fault: unknown }>;

export const linkFaults: readonly LinkFault[] = ['cut', 'halfOpen', 'stall', 'slowReader', 'refuse'];
export const nodeFaults: readonly NodeFault[] = ['pause', 'clockJump', 'crash', 'drain'];
export const layerFaults: readonly LayerFault[] = ['layerSlow', 'layerPartition', 'layerForget'];
export const allFaults: readonly Fault[] = [...linkFaults, ...nodeFaults, ...layerFaults];

export function isLinkFault(fault: Fault): fault is LinkFault {
  return (linkFaults as readonly Fault[]).includes(fault);
}

export function isLayerFault(fault: Fault): fault is LayerFault {
  return (layerFaults as readonly Fault[]).includes(fault);
}

/** Lets a fault happen; where it has nothing to do harm to, nothing happens. */
export function inject(stage: RunStage, step: FaultStep): void {
  const { fault, ms } = step;
  if (isLinkFault(fault)) injectLink(stage, fault, step.client ?? 'c1', ms);
  else if (isLayerFault(fault)) injectLayer(stage, fault, step.node, ms);
  else {
    const slot = stage.slot(step.node);
    if (slot?.node !== undefined) injectNode(stage, fault, slot, ms);
  }
}

/** All faults end: what can still be whole is whole again. */
export function heal(stage: RunStage): void {
  const { world } = stage;
  world.record.note({ t: world.nowMs, e: 'heal' });
  world.tape.isCalm = true;
  for (const end of stage.ongoing) end();
  for (const slot of stage.slots) if (slot.node === undefined) stage.boot(slot);
  for (const client of stage.clients.values()) client.heal();
}

/** Ends it after its time, or when all heals. */
function endLater(stage: RunStage, ms: number, end: () => void): void {
  const once = (): void => {
    if (stage.ongoing.delete(once)) end();
  };
  stage.ongoing.add(once);
  stage.world.reach(Math.max(0, ms), once);
}

function injectLink(stage: RunStage, fault: LinkFault, name: string, ms: number): void {
  const { world } = stage;
  const client = stage.client(name);
  const { link } = client;
  if (fault !== 'refuse' && link === undefined) return;
  world.record.note({ t: world.nowMs, e: 'fault', fault, c: name });
  if (fault === 'refuse') {
    client.isRefused = true;
    endLater(stage, ms, () => {
      client.isRefused = false;
    });
  } else if (fault === 'cut') link?.cut();
  else if (fault === 'stall') {
    link?.block();
    endLater(stage, ms, () => link?.unblock());
  } else if (fault === 'slowReader') {
    client.setSlow(true);
    endLater(stage, ms, () => client.setSlow(false));
  } else {
    link?.die();
    // Its client gives up by itself, healed or not; the server has its heartbeat.
    world.later(Math.max(0, ms), () => {
      if (link !== undefined && client.isOn(link)) client.ended(link, 1006, '');
    });
  }
}

function injectNode(stage: RunStage, fault: NodeFault, slot: NodeSlot, ms: number): void {
  const { world } = stage;
  const { node } = slot;
  if (node === undefined || (fault === 'drain' && node.isDraining)) return;
  world.record.note({ t: world.nowMs, e: 'fault', fault, node: slot.name });
  if (fault === 'clockJump') node.clock.jumpMs += ms;
  else if (fault === 'pause') {
    // Its own calls, and those that wait for its answer, may miss their deadline meanwhile.
    stage.excuseLayer(ms);
    node.pause();
    endLater(stage, ms, () => node.unpause());
  } else if (fault === 'crash') {
    stage.excuseLayer(ms);
    takeDown(slot);
    endLater(stage, ms, () => {
      if (slot.node === undefined) stage.boot(slot);
    });
  } else {
    stage.excuseLayer(ms);
    node.isDraining = true;
    world.reach(0, () => node.enter(() => void node.app.drain({ withinMs: Math.max(1, ms) }), undefined));
    // A little after everybody has been let go, so that it is not the drain that ends by crashing.
    endLater(stage, ms + 50, () => {
      if (slot.node !== node) return;
      takeDown(slot);
      stage.boot(slot);
    });
  }
}

function takeDown(slot: NodeSlot): void {
  const { node } = slot;
  slot.node = undefined;
  if (node?.layer instanceof SimLayer) node.layer.detach();
  node?.crash();
}

function injectLayer(stage: RunStage, fault: LayerFault, name: string | undefined, ms: number): void {
  const { world, broker } = stage;
  if (broker === undefined) return;
  stage.excuseLayer(ms);
  const layers = (): SimLayer[] => stage.nodes.flatMap(({ layer }) => (layer instanceof SimLayer ? [layer] : []));
  const at = fault === 'layerPartition' ? (name ?? 'n1') : undefined;
  world.record.note({ t: world.nowMs, e: 'fault', fault, ...(at === undefined ? {} : { node: at }) });
  if (fault === 'layerForget') {
    const groups = broker.forget();
    for (const layer of layers()) layer.forgotten(groups);
  } else if (fault === 'layerSlow') {
    for (const layer of layers()) layer.slow(Math.ceil(ms / 4));
    endLater(stage, ms, () => {
      for (const layer of layers()) layer.slow(0);
    });
  } else {
    const layer = stage.slot(at)?.node?.layer;
    if (!(layer instanceof SimLayer)) return;
    layer.cut();
    endLater(stage, ms, () => layer.mend());
  }
}
