import type { AppSnapshot, Limits } from 'channelbox';
import { Program } from '../program.ts';

/** Starts `room-server.ts`: to be stopped, starved and killed. */
export function startRooms(limits: Partial<Limits> = {}, descriptors?: number): Promise<Program> {
  const args = [JSON.stringify(limits)];
  return Program.start('test/faults/room-server.ts', descriptors === undefined ? { args } : { args, descriptors });
}

export function snapshotOf(server: Program): Promise<AppSnapshot> {
  return server.ask<AppSnapshot>('inspect');
}
