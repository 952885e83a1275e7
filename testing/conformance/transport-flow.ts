import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Frame } from 'channelbox';
import { until, type ConformanceCase } from './case.ts';
import { OpenSite, turns, type Pair, type TransportHarness } from './transport-harness.ts';

/** Of bytes that no compression makes smaller. */
const large = Frame.bytes(randomBytes(64 * 1024));
/** More than any operating system buffers between two ends. */
const framesMax = 1_000;

/** Writes to a client that does not read, turn after turn, until bytes wait. @returns how many frames */
async function clog({ client, served }: Pair): Promise<number> {
  client.pause();
  await turns();
  for (let count = 1; count <= framesMax; count += 1) {
    served.wire.write(large);
    await turns(1);
    if (served.wire.waitingBytes > 0) return count;
  }
  throw new assert.AssertionError({ message: 'nothing ever waits for a client that does not read' });
}

/** These cases say what is written, what waits, and how holding back works. */
export function flowCases(harness: TransportHarness): ConformanceCase[] {
  return [...turnCases(harness), ...waitingCases(harness), ...readingCases(harness)];
}

function turnCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'what is written in a turn counts as buffered until the turn ends, and as sent',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        await turns();
        assert.equal(served.wire.bufferedBytes, 0);

        for (let count = 1; count <= 100; count += 1) {
          assert.equal(served.wire.write(large), 'sent');
          assert.ok(served.wire.bufferedBytes >= count * large.byteLength);
          assert.equal(served.wire.waitingBytes, 0);
        }
        await served.wire.drained();
        assert.equal(served.wire.bufferedBytes, 0);
        await until(() => client.received.length === 100, 'all have come');
      },
    },
    {
      name: 'a microtask does not end a turn',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { served } = await site.pair();
        await turns();
        served.wire.write(large);
        await Promise.resolve();
        assert.ok(served.wire.bufferedBytes >= large.byteLength);
        assert.equal(served.wire.waitingBytes, 0);
        assert.equal(served.wire.write(large), 'sent');
      },
    },
    {
      name: 'drained gives way to the rest of the process, and is at once where nothing is buffered',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { served } = await site.pair();
        await turns();
        await served.wire.drained();
        let hasComeRound = false;
        setImmediate(() => {
          hasComeRound = true;
        });
        served.wire.write(large);
        await served.wire.drained();
        await Promise.resolve();
        assert.ok(hasComeRound);
      },
    },
  ];
}

function waitingCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'a client that does not read leaves bytes waiting, and the next frame is queued',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        const { client, served } = pair;
        const count = await clog(pair);

        const before = served.wire.bufferedBytes;
        assert.equal(served.wire.write(Frame.text('last')), 'queued');
        assert.ok(served.wire.bufferedBytes > before);
        let hasDrained = false;
        const draining = served.wire.drained().then(() => {
          hasDrained = true;
        });
        await turns();
        assert.equal(hasDrained, false);
        client.resume();
        await draining;
        await until(() => client.received.length === count + 1, 'all have come');
        assert.equal(client.received.at(-1)?.data, 'last');
        assert.deepEqual([served.wire.bufferedBytes, served.wire.waitingBytes], [0, 0]);
        assert.equal(served.wire.write(Frame.text('again')), 'sent');
      },
    },
    {
      name: 'who waits for the drain goes on when the wire ends instead',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        await clog(pair);
        const draining = pair.served.wire.drained();
        pair.served.wire.terminate();
        await draining;
        await pair.served.wire.drained();
        await until(() => pair.served.closes.length === 1, 'the end is told');
      },
    },
    {
      name: 'one slow client holds up no other',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const slow = await site.pair();
        const healthy = await site.pair();
        await clog(slow);
        assert.equal(healthy.served.wire.write(Frame.text('x')), 'sent');
        await until(() => healthy.client.received.length === 1, 'it has come');
      },
    },
  ];
}

function readingCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'a paused wire reads no further, and loses nothing',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        served.wire.pause();
        await turns();
        const texts = Array.from({ length: 50 }, (_, at) => String(at));
        for (const text of texts) client.send(text);
        await turns(30);
        assert.deepEqual(served.texts, []);

        served.wire.resume();
        await until(() => served.frames.length === 50, 'all have come');
        assert.deepEqual(served.texts, texts);
      },
    },
    {
      name: 'a wire paused amid what one read brought still hands all out in order',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        const texts = Array.from({ length: 50 }, (_, at) => String(at));
        for (const text of texts) client.send(text);
        await until(() => served.frames.length > 0, 'the first has come');
        served.wire.pause();
        await turns(30);
        served.wire.resume();
        served.wire.pause();
        served.wire.resume();
        await until(() => served.frames.length === 50, 'all have come');
        assert.deepEqual(served.texts, texts);
      },
    },
    {
      name: 'a paused wire still writes',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        served.wire.pause();
        assert.equal(served.wire.write(Frame.text('x')), 'sent');
        await until(() => client.received.length === 1, 'it has come');
      },
    },
    {
      name: 'a ping is answered',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        served.wire.ping();
        await until(() => served.pongs === 1, 'the pong has come');
        served.wire.ping();
        await until(() => served.pongs === 2, 'the second has come');
        assert.deepEqual(client.received, []);
      },
    },
  ];
}
