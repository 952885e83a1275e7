/** @module channelbox/testing/simulator: finds the schedule that breaks a service, shrinks it, and hands back a test. */
export { replay, simulate } from './simulator/simulate.ts';
export { SimulationError } from './simulator/api/report.ts';
export { defineSimulation } from './simulator/api/simulation.ts';
export type { Action, Conditions, SimProgress, SimulateOptions, Simulation } from './simulator/api/simulation.ts';
export type { Fault, LayerFault, LinkFault, NodeFault, SimEnv, System } from './simulator/api/system.ts';
export type { ConnectTo, Draw, SimClient, SimClientEvent } from './simulator/api/client.ts';
export type { Checker, SimEvent, SimView } from './simulator/api/event.ts';
export type { SimCase, SimConfig, SimFailure, SimReport, SimStep } from './simulator/api/report.ts';
export { everyMemberGotIt } from './simulator/checkers/members.ts';
export { everySettledMemberGotIt } from './simulator/checkers/settled.ts';
export { hooksPaired } from './simulator/checkers/hooks.ts';
export { memoryBounded } from './simulator/checkers/memory.ts';
export { noCauselessClose, noGhosts, ttlHonoured } from './simulator/checkers/connections.ts';
export { noDuplicates, onlyMembers, perSenderFifo } from './simulator/checkers/messages.ts';
export { noSilentGap } from './simulator/checkers/gap.ts';
