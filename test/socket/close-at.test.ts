import { App, type WebSocket } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

/** An app whose one route does this with its socket, and then listens. */
function holding(act: (ws: WebSocket) => unknown): App {
  return new App().wsRoute('/', async (ws) => {
    await ws.accept();
    await act(ws);
    for await (const _ of ws);
  });
}

const seconds = (ws: WebSocket): number => ws.app.clock.now() / 1000;

describe('closeAt', () => {
  test.each(['memory', 'tcp'] as const)('ends the connection at its time, with 4401, over %s', async (transport) => {
    await using t = testApp(
      holding((ws) => ws.closeAt(seconds(ws) + 3_600)),
      { transport },
    );
    const ann = await t.connect('/');
    await t.clock.advance('59m');
    expect(ann.isOpen).toBe(true);
    await t.clock.advance('1m');
    await ann.expectClosed({ code: 4401 });
  });

  test('is renewed by another call, and taken back by null', async () => {
    await using t = testApp(
      new App().wsRoute('/', async (ws) => {
        await ws.accept();
        ws.closeAt(seconds(ws) + 10);
        for await (const left of ws.iterJson<number | null>())
          ws.closeAt(left === null ? null : seconds(ws) + left, 4_000, 'over');
      }),
    );
    const [ann, bob] = await t.connectAll(2, '/');
    await t.clock.advance('9s');
    ann.sendJson(10);
    bob.sendJson(null);
    await t.clock.advance('9s');
    expect([ann.isOpen, bob.isOpen]).toEqual([true, true]);
    await t.clock.advance('1s');
    await ann.expectClosed({ code: 4_000, reason: 'over' });
    await t.clock.advance('1h');
    expect(bob.isOpen).toBe(true);
  });

  test('in the past ends it at once', async () => {
    await using t = testApp(holding((ws) => ws.closeAt(seconds(ws) - 1)));
    const ann = await t.connect('/');
    await ann.expectClosed({ code: 4401 });
  });

  test('follows the wall clock when it jumps forward, and when it jumps back', async () => {
    await using t = testApp(holding((ws) => ws.closeAt(seconds(ws) + 600)));
    const ann = await t.connect('/');
    t.clock.setWall(t.clock.now() + 540_000);
    await t.clock.advance('59s');
    expect(ann.isOpen).toBe(true);
    t.clock.setWall(t.clock.now() - 300_000);
    await t.clock.advance('5m');
    expect(ann.isOpen).toBe(true);
    await t.clock.advance('1s');
    await ann.expectClosed({ code: 4401 });
  });

  test('is noticed after a jump past it within a sixtieth of what was left', async () => {
    await using t = testApp(holding((ws) => ws.closeAt(seconds(ws) + 600)));
    const ann = await t.connect('/');
    t.clock.setWall(t.clock.now() + 3_600_000);
    await ann.expectClosed({ code: 4401 }, { within: '10s' });
  });

  test('that falls due before the accept answers 401', async () => {
    await using t = testApp(
      new App({ limits: { acceptTimeoutMs: 60_000 } }).wsRoute('/', async (ws) => {
        ws.closeAt(seconds(ws) + Number(ws.query.get('left')));
        await ws.app.clock.sleep(5_000, ws.signal).catch(() => {});
        if (!ws.signal.aborted) await ws.accept();
      }),
    );
    expect(await t.handshake('/', { query: { left: '-1' } })).toMatchObject({ kind: 'denied', status: 401 });
    expect(await t.handshake('/', { query: { left: '2' } })).toMatchObject({ kind: 'denied', status: 401 });
  });

  test('leaves no timer behind, and means nothing on a closed socket', async () => {
    let kept: WebSocket | undefined;
    const app = holding((ws) => {
      kept = ws;
      ws.closeAt(seconds(ws) + 86_400);
    });
    await using t = testApp(app);
    const ann = await t.connect('/');
    await ann.close();
    kept?.closeAt(seconds(kept) + 10);
    await t.clock.advance('1h');
    await ann.expectClosed({ code: 1005 });
  });

  test.each([Number.NaN, Infinity, Date.UTC(2026, 10, 28)])(
    'refuses %d, which is no time in seconds',
    async (wrong) => {
      let thrown: unknown;
      await using t = testApp(
        holding((ws) => {
          try {
            ws.closeAt(wrong);
          } catch (error) {
            thrown = error;
          }
        }),
      );
      await t.connect('/');
      expect(thrown).toMatchObject({ code: 'CHANNELBOX_CLOSE_AT' });
    },
  );

  test('refuses a code and a reason that cannot be sent, when it is called', async () => {
    const thrown: unknown[] = [];
    await using t = testApp(
      holding((ws) => {
        for (const [code, reason] of [
          [1_006, ''],
          [4_000, 5 as unknown as string],
        ] as const) {
          try {
            ws.closeAt(seconds(ws) + 1, code, reason);
          } catch (error) {
            thrown.push(error);
          }
        }
      }),
    );
    await t.connect('/');
    expect(thrown).toMatchObject([{ code: 'CHANNELBOX_CLOSE_CODE' }, { code: 'CHANNELBOX_CLOSE_REASON' }]);
  });
});
