/** A simulation builds a system, which is given its sources of time and chance, and may be befallen by faults. */
import type { App, ChannelLayer, Clock, Logger } from '../../../src/index.ts';

/** What `system` returns: an app, alone or beside what conditions want to look at. */
export type System = App | { readonly app: App };

/** What may befall a run. */
export type Fault = LinkFault | NodeFault | LayerFault;
/** To one connection. `halfOpen`: nothing passes and nobody is told; the client notices after the fault's time, the server by its heartbeat. */
export type LinkFault = 'cut' | 'halfOpen' | 'stall' | 'slowReader' | 'refuse';
/** To one node. `pause`: nothing of it runs, as in a long collection of garbage. `crash`: all it knows is gone; it is built anew later. `drain`: `app.drain`, then built anew. */
export type NodeFault = 'pause' | 'clockJump' | 'crash' | 'drain';
/** To the simulated layer, always within the contract of `ChannelLayer`. `layerForget`: it restarts with empty histories and a new epoch. */
export type LayerFault = 'layerSlow' | 'layerPartition' | 'layerForget';

/** What a node of the simulation is given in place of the world. */
export interface SimEnv {
  /** `n1`, `n2`, … */
  readonly node: string;
  /** This node's: virtual, its wall clock jumps by itself. The app has it already; code that does not meet `ws.app` takes it from here. */
  readonly clock: Clock;
  /** Silent. The app has it already, whatever it was built with. */
  readonly logger: Logger;
  /** This node's way to the others; made when first read. */
  readonly layer: ChannelLayer;
  /** 0 … 1, the latter left out. */
  random(): number;
  /** A fresh id, drawn from the run's seed. */
  uuid(): string;
  /** Stands in for a call to something outside (a database, an HTTP service): resolves after 1 ms of virtual time or, drawn, later. */
  io(label?: string): Promise<void>;
  /** Notes that a branch was reached; `view.reached(label)`. */
  mark(label: string): void;
}
