import { App, ChannelBox, consumer } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { perSenderFifo, replay, simulate, type SimReport, type Simulation } from 'channelbox/testing/simulator';

const exploring = <S extends App>(simulation: Simulation<S>, steps: number, choicesMax: number): Promise<SimReport> =>
  simulate({ ...simulation, seed: 1, explore: { exhaustive: { steps, choicesMax } } });

/** One client that asks one thing as soon as it is let in; the one step is its connecting. */
const toy: Simulation<App> = {
  system: (env) =>
    new App().wsRoute('/', async (ws) => {
      await ws.accept();
      for await (const _ of ws.iterText()) {
        await env.io('work');
        await ws.sendText('done');
      }
    }),
  actions: { none: () => {} },
  react: (c, event) => {
    if (event.kind === 'open') c.send('do it');
  },
  clients: 1,
  churn: 0,
};

describe('an exhaustive search of the toy', () => {
  // Six things are on their way, one behind the other: u the upgrade, a its accept, o the opening; then f the frame, w the work, d the
  // answer. What is seen of them are the times of the accept (u + a), of the opening (o behind it) and of the answer (f + w + d behind
  // it): three sums, so that u and a make the same history, and so do f, w and d.
  //
  // Without a delay there is 1 schedule. One delay: 6 more, of which 3 have a history of their own, those of u, o and f; each of these is
  // followed further, with what comes at or after its delay: behind u 6, behind o 4 (o f w d), behind f 3 (f w d). Two delays: 13 more,
  // with the six histories uu uo uf oo of ff. They are followed from where their last delay was, u o f o f f: 6 + 4 + 3 + 4 + 3 + 3 = 23
  // more. Histories are all ways to give at most d delays to 3 sums: (d + 3 over 3), that is 1, 4, 10, 20.
  for (const [choicesMax, schedules, histories] of [
    [0, 1, 1],
    [1, 1 + 6, 4],
    [2, 1 + 6 + 13, 10],
    [3, 1 + 6 + 13 + 23, 20],
  ] as const) {
    test(`has as many schedules of ${choicesMax} delays at most as a hand comes to: ${schedules}`, async () => {
      const report = await exploring(toy, 1, choicesMax);
      expect(report.explored).toEqual({ schedules, histories });
      expect(report.unwrap().runs).toBe(schedules);
      expect(report.toString()).toContain(`all ${schedules} schedule`);
    });
  }

  test('comes to the same every time', async () => {
    expect((await exploring(toy, 1, 3)).hash).toBe((await exploring(toy, 1, 3)).hash);
  });

  test('ends when its time is used up, and says how far it came', async () => {
    const report = await simulate({
      ...toy,
      seed: 1,
      budgetMs: 0,
      explore: { exhaustive: { steps: 1, choicesMax: 3 } },
    });
    expect(report.explored?.schedules).toBe(1);
  });
});

describe('an exhaustive search for a mistake', () => {
  /** Two things said at once, each checked outside; the checks are waited for, or not. */
  const moderated = (isRight: boolean): Simulation<App> => ({
    system: (env) =>
      new App({ channelBox: new ChannelBox() }).addWsRoute(
        consumer('/', {
          async onConnect(ws) {
            await ws.accept();
            await this.joinGroup('g');
          },
          async onReceive(_ws, data) {
            const checking = env.io('moderation').then(() => this.broadcast(data, 'g'));
            if (isRight) await checking;
          },
        }),
      ),
    react: (c, event) => {
      if (event.kind !== 'open') return;
      c.send('~c1.1~');
      c.send('~c1.2~');
    },
    actions: { none: () => {} },
    clients: 1,
    churn: 0,
    checkers: [perSenderFifo()],
  });

  test('needs as many delays as the mistake does: none shows nothing, one is enough, and the case has that one', async () => {
    expect((await exploring(moderated(false), 1, 0)).failure).toBeUndefined();
    const { failure } = await exploring(moderated(false), 1, 1);
    expect(failure).toMatchObject({ kind: 'checker', name: 'perSenderFifo' });
    expect(Object.values(failure?.case.draws ?? {})).toEqual([1]);
    await expect(replay(moderated(true), failure!.case)).resolves.toBeUndefined();
  });

  test('finds nothing where there is none', async () => {
    expect((await exploring(moderated(true), 1, 3)).unwrap().explored?.schedules).toBeGreaterThan(100);
  });
});
