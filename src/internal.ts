/**
 * The second door opens to `testing/` and `load/` alone: what both kits share with the framework and no program needs.
 * It stands in no `exports`, and nothing that it gives is promised to anybody.
 * @internal
 */
export { peer, noPeer } from './peer.ts';
export { bytesOf, isBlob } from './protocol/bytes.ts';
export { checkClose, checkCloseCode } from './protocol/close-code.ts';
export { encodeJson } from './protocol/codec.ts';
export { hash32, sample, seeded, SeededRandom, uuidFrom } from './random.ts';
export { durationMs, parseDuration, type Duration } from './time/duration.ts';
export { Heap, type HeapEntry } from './time/heap.ts';
export type { MemoryClient, MemoryClientEvents } from './transport/memory/memory-client.ts';
export { MemoryTransport } from './transport/memory/memory-transport.ts';
export type { MemoryRequest } from './transport/memory/memory-upgrade.ts';
export { messageOf } from './transport/memory/memory-wire.ts';
