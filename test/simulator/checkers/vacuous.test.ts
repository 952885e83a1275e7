import { App, ChannelBox, consumer } from 'channelbox';
import { describe, expect, test } from 'vitest';
import {
  everyMemberGotIt,
  everySettledMemberGotIt,
  hooksPaired,
  memoryBounded,
  noCauselessClose,
  noDuplicates,
  noGhosts,
  noSilentGap,
  onlyMembers,
  perSenderFifo,
  simulate,
  ttlHonoured,
  type Checker,
  type SimReport,
} from 'channelbox/testing/simulator';

interface Frame {
  readonly in?: string;
  readonly to?: string;
  readonly leave?: string;
  readonly at?: string;
}

const all: readonly Checker[] = [
  perSenderFifo(),
  noDuplicates(),
  onlyMembers(),
  everyMemberGotIt(),
  everySettledMemberGotIt({
    joined: (frame: Frame) => frame.in,
    left: (sent: Frame) => sent.leave,
    to: (sent: Frame) => sent.to,
  }),
  noSilentGap({ position: (frame: Frame) => frame.at }),
  ttlHonoured({ seconds: 10 }),
  noGhosts(),
  noCauselessClose(),
  memoryBounded({ historyBytes: 100_000, bufferedBytes: 100_000 }),
  hooksPaired(),
];

function running(isLetIn: boolean, checkers: readonly Checker[]): Promise<SimReport> {
  return simulate({
    system: () =>
      new App({
        channelBox: new ChannelBox({
          frame: ({ payload, position }) => ({ ...(payload as object), at: `${position.epoch}:${position.offset}` }),
        }),
      }).addWsRoute(
        consumer('/', {
          encoding: 'json',
          expires: 10,
          async onConnect(ws) {
            if (!isLetIn) return ws.close();
            await ws.accept();
            await this.joinGroup('g');
            await this.send({ in: 'g' });
          },
          async onReceive(_ws, data) {
            await this.broadcast(data, 'g', { saveHistory: true });
          },
        }),
      ),
    actions: { say: (c, g) => c.sendJson({ to: 'g', text: g.stamp() }) },
    checkers,
    seed: 5,
    runs: isLetIn ? 15 : 3,
  });
}

describe('each of the eleven checkers', () => {
  test('says that it had nothing to check where everybody is turned away, and the report is not ok', async () => {
    const report = await running(false, all);
    expect(report.vacuous).toEqual(all.map(({ name }) => name));
    expect(report.failure).toBeUndefined();
    expect(report.ok).toBe(false);
    expect(() => report.unwrap()).toThrow('never had anything to check: perSenderFifo');
  });

  test('has something to check, and nothing to say, where people talk and all is well', async () => {
    expect((await running(true, all)).unwrap().vacuous).toEqual([]);
  });

  for (const checker of all) {
    test(`is one of the eleven by its name, and alone as well: ${checker.name}`, async () => {
      expect((await running(false, [checker])).vacuous).toEqual([checker.name]);
    });
  }
});
