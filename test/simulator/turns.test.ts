import { App, consumer } from 'channelbox';
import { expect, test } from 'vitest';
import { simulate } from 'channelbox/testing/simulator';
import { atTurnEnd } from '../../testing/simulator/world/turn.ts';

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Ticks that set microtasks going, which set ticks going. */
async function goDeep(): Promise<void> {
  for (let depth = 0; depth < 20; depth += 1) {
    await tick();
    await Promise.resolve();
  }
}

const burst = { say: (c: { send(text: string): void }): void => ['a', 'b', 'c'].forEach((text) => c.send(text)) };

test('what an event sets going ends before the next event, however deep it goes', async () => {
  const report = await simulate({
    system: () => {
      const state = { busy: 0, served: 0 };
      const app = new App().addWsRoute(
        consumer('/', {
          async onReceive() {
            state.busy += 1;
            await goDeep();
            state.busy -= 1;
            state.served += 1;
          },
        }),
      );
      return { app, state };
    },
    actions: burst,
    always: { 'nobody is at work between two events': ({ system }) => system.state.busy === 0 },
    sometimes: { 'many were served': ({ system }) => system.state.served > 25 },
    faults: 'none',
    seed: 1,
    runs: 5,
  });
  expect(report.unwrap().events).toBeGreaterThan(500);
});

test('a call that fails and is not awaited is told in the event in which it failed', async () => {
  const report = await simulate({
    system: () => {
      const state = { failed: 0 };
      const app = new App().addWsRoute(
        consumer('/', {
          async onReceive(ws) {
            state.failed += 1;
            void ws.sendJson(1n);
          },
        }),
      );
      return { app, state };
    },
    actions: burst,
    allowErrors: () => true,
    always: {
      'each is told': ({ system, history }) => history.filter(({ e }) => e === 'error').length === system.state.failed,
    },
    sometimes: { 'many failed': ({ system }) => system.state.failed > 25 },
    faults: 'none',
    seed: 1,
    runs: 5,
  });
  expect(report.unwrap().leaks).toEqual([]);
});

test('turns end one after the other, many at one visit of the event loop', async () => {
  let visits = 0;
  const visit = setInterval(() => (visits += 1), 0); // real time: counts visits
  const ended: number[] = [];
  for (let turn = 0; turn < 300; turn += 1) {
    let isOver = false;
    void goDeep().then(() => {
      isOver = true;
      ended.push(turn);
    });
    await new Promise(atTurnEnd);
    expect(isOver).toBe(true);
  }
  clearInterval(visit);
  expect(ended).toEqual(Array.from({ length: 300 }, (_, turn) => turn));
  expect(visits).toBeLessThan(50);
});
