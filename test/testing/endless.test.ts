import { App } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** An app whose handler sends for as long as anybody listens. */
function endlessApp(ended: string[]): App {
  return new App({ logger: quiet }).wsRoute('/x', async (ws) => {
    await ws.accept();
    while (ws.isConnected()) await ws.sendText('x');
    ended.push('over');
  });
}

describe.each(['memory', 'tcp'] as const)('over %s, a handler that sends without end', (transport) => {
  // It comes to no rest, so whatever asks for rest waits the whole real time that it may take: let that be little.
  const options = { transport, watchdogMs: 50 };

  test('is tested like any other: connect, expect, drop, and the end', async () => {
    const ended: string[] = [];
    const t = testApp(endlessApp(ended), options);
    const ann = await t.connect('/x');
    await ann.expect('x');
    await ann.expectSequence(['x', 'x', 'x']);
    ann.drop();
    await t.close();
    expect(ended).toEqual(['over']);
  });

  test('is closed by its client, whose unread frames are bounded, and the message says what to do', async () => {
    const ended: string[] = [];
    const t = testApp(endlessApp(ended), options);
    const ann = await t.connect('/x');
    // It may say that it cannot tell.
    const unsettled: unknown = await t.settle().catch((error: unknown) => error);
    expect(String(unsettled)).toMatch(/^undefined$|client 1 has more unread frames than a test reads/);
    for (let calls = 0; calls < 100 && ann.transcript.events.length < 16_384; calls += 1)
      await t.settle().catch(() => {});
    const failure: unknown = await ann.expect('y').catch((error: unknown) => error);
    expect(String(failure)).toContain('client 1 has as many unread frames as it can hold');
    expect(String(failure)).toContain('16384 frames are unread');
    expect(ann.transcript.events.length).toBeLessThan(16_400);
    await ann.close();
    await t.close();
    expect(ended).toEqual(['over']);
  });

  test('goes on where the test reads', async () => {
    const t = testApp(endlessApp([]), options);
    const ann = await t.connect('/x');
    for (let at = 0; at < 100; at += 1) await ann.expect('x');
    await t.close();
  });
});
