import { consumer, type App } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { turn } from '../manual-clock.ts';
import { Arena } from './arena.ts';
import { encodeFrame, opcode, text } from './frames.ts';
import { handshake, type RawClient } from './raw-client.ts';

const frame = (bytes: number): Buffer => encodeFrame({ opcode: opcode.binary, payload: Buffer.alloc(bytes) });

/** A route whose handler reads one frame and then nothing any more. */
const stuck = (app: App): void => void app.addWsRoute(consumer('/stuck', { onReceive: () => new Promise(() => {}) }));

/** A socket that holds so many bytes. */
async function holding(arena: Arena, bytes: number): Promise<RawClient> {
  const before = arena.app.inspect().inboundBytes;
  const client = await arena.upgraded('/stuck');
  client.write(frame(1), frame(bytes));
  await arena.until(() => arena.app.inspect().inboundBytes >= before + bytes, 'its bytes wait');
  return client;
}

describe('past the budget of memory', () => {
  test('the sockets that hold most are closed first, with 1013, and no more of them than must be', async () => {
    await using arena = await Arena.open({ routes: stuck, memoryBudgetBytes: 700_000 });
    const sizes = [100_000, 300_000, 200_000];
    const [small, large, middle] = [
      await holding(arena, sizes[0] ?? 0),
      await holding(arena, sizes[1] ?? 0),
      await holding(arena, sizes[2] ?? 0),
    ];
    const honest = await arena.upgraded('/echo');

    small.write(frame(150_000));
    expect(await large.closeCode()).toBe(1013);
    await arena.until(() => arena.app.inspect().inboundBytes === 450_000, 'the others are left');
    small.write(frame(400_000));
    expect(await small.closeCode()).toBe(1013);
    await arena.until(() => arena.app.inspect().inboundBytes === 200_000, 'the last is left');

    honest.write(text('still here'));
    expect(await honest.text()).toBe('still here');
    middle.write(frame(10));
    await arena.until(() => arena.app.inspect().inboundBytes === 200_010, 'who is within it is read on');
  });

  test('nobody pays for a socket that is closing already and gives back what it holds', async () => {
    await using arena = await Arena.open({
      memoryBudgetBytes: 16_000_000,
      limits: { maxBufferedBytes: 100_000_000 },
      routes: (app) => {
        stuck(app);
        app.wsRoute('/full', async (ws) => {
          await ws.accept();
          void ws.sendBytes(new Uint8Array(32_000_000));
          await ws.receive();
        });
      },
    });
    const honest = await holding(arena, 50_000);
    const slow = await arena.upgraded('/full');
    slow.socket.pause();
    await arena.until(() => arena.app.inspect().bufferedBytes > 16_000_000, 'its bytes wait');

    honest.write(frame(50_000));
    await arena.until(() => arena.app.inspect().inboundBytes === 100_000, 'the honest one is read on');
    await turn(10);
    expect(arena.app.inspect().counters.closed[1013] ?? 0).toBe(0);
    arena.clock.advance(2_000);
    await arena.until(() => arena.app.inspect().counters.closed[1013] === 1, 'the full one is gone');
    await arena.expectUndisturbed(2);
  });

  test('what somebody has left behind in the queue of a slow handler goes before anybody who is there', async () => {
    await using arena = await Arena.open({ routes: stuck, memoryBudgetBytes: 500_000 });
    const leaver = await holding(arena, 300_000);
    const honest = await holding(arena, 100_000);
    leaver.reset();
    await arena.until(() => arena.app.inspect().connections === 2, 'it has left');
    expect(arena.app.inspect().inboundBytes).toBe(400_000);

    honest.write(frame(150_000));
    await arena.until(() => arena.app.inspect().inboundBytes === 250_000, 'what was left behind is gone');
    expect(arena.app.inspect().connections).toBe(2);
  });

  test('nobody new comes in, with 503, until there is room again', async () => {
    const routes = (app: App): void => {
      stuck(app);
      app.wsRoute('/kept', async (ws) => {
        await app.channelBox.groupSend('room', 'x'.repeat(60_000), { saveHistory: true });
        await ws.deny(403);
      });
    };
    await using arena = await Arena.open({ routes, memoryBudgetBytes: 50_000 });
    const ask = async (path: string): Promise<RawClient['answer'] extends () => infer A ? Awaited<A> : never> => {
      const client = await arena.raw();
      client.write(handshake(`GET ${path} HTTP/1.1`));
      return client.answer();
    };
    expect((await ask('/kept'))?.status).toBe(403);

    const refused = await ask('/echo');
    expect(refused?.status).toBe(503);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(arena.app.inspect().counters.refused.limit).toBe(1);

    await arena.app.channelBox.flushHistory();
    await arena.upgraded('/echo');
  });
});

describe('headers', () => {
  test('that open sockets keep are counted, and given back', async () => {
    await using arena = await Arena.open();
    const before = arena.app.inspect().headerBytes;
    const clients = [await arena.upgraded('/echo', { 'X-Own': 'x'.repeat(10_000) }), await arena.upgraded('/echo')];
    const { headerBytes } = arena.app.inspect();
    expect(headerBytes - before).toBeGreaterThan(10_000);
    expect(headerBytes - before).toBeLessThan(11_000);

    for (const client of clients) client.destroy();
    await arena.until(() => arena.app.inspect().headerBytes === before, 'they are given back');
  });

  test('are held against the socket that keeps most of them', async () => {
    await using arena = await Arena.open({ memoryBudgetBytes: 20_000 });
    const [large, small] = [
      await arena.upgraded('/echo', { 'X-Own': 'x'.repeat(12_000) }),
      await arena.upgraded('/echo', { 'X-Own': 'x'.repeat(4_000) }),
    ];
    const client = await arena.raw();
    client.write(handshake('GET /echo HTTP/1.1', { 'X-Own': 'x'.repeat(5_000) }));

    expect(await large.closeCode()).toBe(1013);
    small.write(text('still here'));
    expect(await small.text()).toBe('still here');
  });

  test('that have not come to their end are counted, bounded, and cut off past the budget', async () => {
    await using arena = await Arena.open({ memoryBudgetBytes: 60_000 });
    const clients = [];
    for (let count = 0; count < 3; count += 1) {
      const client = await arena.raw();
      client.write(`GET /echo HTTP/1.1\r\nHost: app.test\r\nX-Own: ${'x'.repeat(12_000 + count)}`);
      clients.push(client);
      const least = (count + 1) * 12_000;
      await arena.until(() => arena.app.inspect().inboundBytes > least, 'they have come');
    }
    clients[0]?.write('x'.repeat(1_000));
    const more = await arena.raw();
    more.write(`GET /echo HTTP/1.1\r\nX-Own: ${'x'.repeat(15_000)}`);
    await arena.until(() => arena.app.inspect().inboundBytes > 60_000, 'the last has come');
    const late = await arena.raw();
    late.write(handshake());
    expect((await late.answer())?.status).toBe(503);

    await Promise.race(clients.concat(more).map((client) => client.ended()));
    await arena.until(() => arena.app.inspect().inboundBytes <= 60_000, 'the largest is cut off');
  });
});

describe('a handshake that is not answered', () => {
  test('counts with what its client has sent behind it, and is the one that is turned away', async () => {
    const asked = new Gate();
    await using arena = await Arena.open({
      memoryBudgetBytes: 100_000,
      routes: (app) =>
        app.wsRoute('/slow', async (ws) => {
          ws.signal.addEventListener('abort', () => {});
          asked.open();
          await new Promise((resolve) => ws.signal.addEventListener('abort', resolve));
        }),
    });
    const honest = await arena.upgraded('/echo');
    const slow = await arena.raw();
    slow.write(handshake('GET /slow HTTP/1.1', { 'X-Own': 'x'.repeat(10_000) }));
    await asked.promise;
    expect(arena.app.inspect().inboundBytes).toBeGreaterThan(10_000);
    slow.write(Buffer.alloc(60_000));
    await arena.until(() => arena.app.inspect().inboundBytes > 70_000, 'what came behind it counts');
    slow.write(Buffer.alloc(60_000));
    await arena.until(() => arena.app.inspect().inboundBytes > 100_000, 'it is too much');

    honest.write(text('still here'));
    expect(await honest.text()).toBe('still here');
    expect((await slow.answer())?.status).toBe(503);
    await arena.until(() => arena.app.inspect().inboundBytes === 0, 'it is given back');
  });
});

describe('an answer of deny', () => {
  const endless = (cancelled: Gate): Response =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
        cancel: () => cancelled.open(),
      }),
      { status: 403 },
    );

  test('whose body never ends is cut off in time, counts until then, and its maker is told', async () => {
    const cancelled = new Gate();
    await using arena = await Arena.open({
      limits: { closeTimeoutMs: 500 },
      routes: (app) =>
        app.wsRoute('/no', (ws) =>
          ws.deny(
            new Response(
              new ReadableStream({
                start: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
                cancel: () => cancelled.open(),
              }),
              { status: 403 },
            ),
          ),
        ),
    });
    const client = await arena.raw();
    client.write(handshake('GET /no HTTP/1.1'));
    await arena.until(() => arena.app.inspect().bufferedBytes >= 1_000_000, 'what came of it counts');
    expect(arena.app.inspect().connections).toBe(2);

    arena.clock.advance(500);
    await cancelled.promise;
    await arena.expectUndisturbed();
  });

  test('that grows without end is cut off past the budget', async () => {
    const cancelled = new Gate();
    await using arena = await Arena.open({
      memoryBudgetBytes: 1_000_000,
      routes: (app) => app.wsRoute('/no', (ws) => ws.deny(endless(cancelled))),
    });
    const client = await arena.raw();
    client.write(handshake('GET /no HTTP/1.1'));

    await cancelled.promise;
    await arena.expectUndisturbed();
  });
});
