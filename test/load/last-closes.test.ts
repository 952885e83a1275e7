import { describe, expect, test } from 'vitest';
import type { Client } from '../../load/generator/client/client.ts';
import { LastCloses } from '../../load/generator/last-closes.ts';

/** What the closes of a run need of it, in a time that only the closes themselves advance. */
class ClosingRun {
  readonly clients: readonly Client[];
  readonly measures: { connected: number };
  readonly givenUp: Client[] = [];
  asked = 0;
  mostAtOnce = 0;
  #nowUs = 0;
  #next: (() => void) | undefined = undefined;
  readonly #waiting: Client[] = [];

  constructor(clients: number) {
    this.clients = Array.from({ length: clients }, () => ({ isPresent: true }) as Client);
    this.measures = { connected: clients };
  }

  nowUs(): number {
    return this.#nowUs;
  }

  at(atUs: number, run: () => void): void {
    this.#nowUs = atUs;
    this.#next = run;
  }

  leave(client: Client): void {
    if (!client.isPresent) return;
    this.asked += 1;
    this.#waiting.push(client);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#waiting.length);
  }

  unanswered(client: Client): void {
    this.givenUp.push(client);
  }

  /** Runs to the end; before each step the server answers up to so many of those that wait. */
  run(answersEachStep: number): { tookMs: number } {
    let isOver = false;
    new LastCloses(this, this, this.clients, () => (isOver = true)).begin();
    while (!isOver) {
      for (const client of this.#waiting.splice(0, answersEachStep)) {
        Object.assign(client, { isPresent: false });
        this.measures.connected -= 1;
      }
      const next = this.#next as () => void;
      this.#next = undefined;
      next();
    }
    return { tookMs: this.#nowUs / 1_000 };
  }
}

describe('the last closes of a run', () => {
  test('are asked for some hundreds at a time, and all are answered by a server that is slow', () => {
    const run = new ClosingRun(20_000);
    run.run(7);
    expect(run.asked).toBe(20_000);
    expect(run.mostAtOnce).toBe(500);
    expect(run.givenUp).toEqual([]);
  });

  test('are asked for all at once where there are few', () => {
    const run = new ClosingRun(400);
    expect(run.run(Infinity).tookMs).toBe(10);
    expect(run.mostAtOnce).toBe(400);
  });

  test('are asked of everybody where nobody is answered, and given up after a second wait', () => {
    const run = new ClosingRun(1_200);
    expect(run.run(0).tookMs).toBe(4_000);
    expect(run.asked).toBe(1_200);
    expect(run.givenUp.length).toBe(1_200);
  });

  test('are over at once where nobody is connected', () => {
    const run = new ClosingRun(3);
    for (const client of run.clients) Object.assign(client, { isPresent: false });
    run.measures.connected = 0;
    expect(run.run(0).tookMs).toBe(0);
    expect(run.asked).toBe(0);
  });
});
