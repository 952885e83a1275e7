import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Arrivals } from '../../src/transport/node/arrivals.ts';

interface Stranger {
  destroyed: boolean;
  readonly bytesRead: number;
  destroy(): void;
}

function watched(): { arrivals: Arrivals; connect(count: number): Stranger[] } {
  const server = new EventEmitter();
  const arrivals = new Arrivals();
  arrivals.watch(server as unknown as Server);
  const connect = (count: number): Stranger[] =>
    Array.from({ length: count }, () => {
      const stranger: Stranger = {
        destroyed: false,
        bytesRead: 40,
        destroy: () => {
          stranger.destroyed = true;
        },
      };
      server.emit('connection', stranger);
      return stranger;
    });
  return { arrivals, connect };
}

test('who has gone without asking holds nothing, whether few or many', () => {
  const { arrivals, connect } = watched();
  const [one] = connect(1);
  const bytes = arrivals.bytes;
  expect(bytes).toBeGreaterThan(40);
  for (const stranger of connect(1_000)) stranger.destroy();
  expect(arrivals.bytes).toBe(bytes);
  expect([...arrivals.holders()]).toHaveLength(1);
  arrivals.arrived(one as unknown as Socket);
  expect(arrivals.bytes).toBe(0);
});

test('whoever is still there counts, and can be cut', () => {
  const { arrivals, connect } = watched();
  connect(200);
  expect([...arrivals.holders()]).toHaveLength(200);
  for (const { cut } of arrivals.holders()) cut();
  expect(arrivals.bytes).toBe(0);
});
