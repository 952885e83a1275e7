import { App, rateLimit, type RateLimitOptions } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

function echoing(options: RateLimitOptions): App {
  return new App().addWsMiddleware(rateLimit(options)).wsRoute('/', async (ws) => {
    await ws.accept();
    for await (const { data } of ws) await ws.send(data);
  });
}

const from = (host: string): { client: { host: string; port: number } } => ({ client: { host, port: 1 } });

describe.each(['memory', 'tcp'] as const)('a rate limit, over %s', (transport) => {
  test('closes with 1008 past it, and fills with time', async () => {
    await using t = testApp(echoing({ messages: 2, perMs: 1_000 }), { transport });
    const ann = await t.connect('/');
    for (const text of ['1', '2']) ann.sendText(text);
    await ann.expectSequence([1, 2]);
    await t.clock.advance(500);
    ann.sendText('3');
    await ann.expect(3);
    ann.sendText('4');
    await ann.expectClosed({ code: 1008 });
  });

  test('loses what is too much', async () => {
    await using t = testApp(echoing({ messages: 1, perMs: 1_000, onExceed: 'drop' }), { transport });
    const ann = await t.connect('/');
    for (const text of ['1', '2', '3']) ann.sendText(text);
    await ann.expect(1);
    await ann.expectNothing();
    await t.clock.advance(1_000);
    ann.sendText('4');
    await ann.expect(4);
  });

  test('reads it later, in order and nothing lost', async () => {
    await using t = testApp(echoing({ messages: 2, perMs: 1_000, onExceed: 'wait' }), { transport });
    const ann = await t.connect('/');
    for (const text of ['1', '2', '3', '4', '5']) ann.sendText(text);
    await ann.expectSequence([1, 2]);
    await ann.expectNothing();
    await ann.expectSequence([3, 4, 5], { within: 3_000 });
    expect(t.clock.monotonic()).toBeGreaterThanOrEqual(500);
  });

  test('counts bytes', async () => {
    await using t = testApp(echoing({ bytes: 100, perMs: 1_000 }), { transport });
    const ann = await t.connect('/');
    ann.sendText('x'.repeat(60));
    await ann.expect('x'.repeat(60));
    ann.sendText('x'.repeat(60));
    await ann.expectClosed({ code: 1008 });
  });
});

test('one of an address is shared by its connections, and by nobody else', async () => {
  await using t = testApp(echoing({ per: 'address', messages: 2, perMs: 1_000 }));
  const [ann, bob, eve] = [
    await t.connect('/', from('10.0.0.1')),
    await t.connect('/', from('10.0.0.1')),
    await t.connect('/', from('10.0.0.2')),
  ];
  ann.sendText('1');
  await ann.expect(1);
  bob.sendText('2');
  await bob.expect(2);
  eve.sendText('3');
  await eve.expect(3);
  ann.sendText('4');
  await ann.expectClosed({ code: 1008 });
});

test('one of a key is shared by who has it', async () => {
  await using t = testApp(
    echoing({ per: (ws) => ws.query.get('user') ?? '', messages: 1, perMs: 1_000, onExceed: 'drop' }),
  );
  const [one, two, other] = [await t.connect('/?user=a'), await t.connect('/?user=a'), await t.connect('/?user=b')];
  one.sendText('1');
  await one.expect(1);
  two.sendText('2');
  await two.expectNothing();
  other.sendText('3');
  await other.expect(3);
});

test.each([{}, { messages: 1, onExceed: 'later' }, { bytes: 0 }, { messages: 1, burst: Number.NaN }])(
  '%j is refused',
  (options) => {
    expect(() => rateLimit(options as RateLimitOptions)).toThrow(
      expect.objectContaining({ code: 'CHANNELBOX_RATE_LIMIT' }),
    );
  },
);
