import assert from 'node:assert/strict';
import { Frame } from 'channelbox';
import { until, type ConformanceCase } from './case.ts';
import { Served, OpenSite, turns, type Pair, type TransportHarness } from './transport-harness.ts';

/** These cases say how a wire ends. */
export function closingCases(harness: TransportHarness): ConformanceCase[] {
  return [...serverCases(harness), ...clientCases(harness), ...brokenCases(harness)];
}

async function untilEnded({ client, served }: Pair): Promise<void> {
  await until(() => served.closes.length > 0, 'the server learns of the end');
  await until(() => client.closed !== undefined, 'the client learns of the end');
  await turns();
  assert.equal(served.closes.length, 1, 'the end is told exactly once');
}

function serverCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: "the server's close reaches the client with code and reason, behind all that was written",
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        const { client, served } = pair;
        for (let at = 0; at < 10; at += 1) served.wire.write(Frame.text(String(at)));
        served.wire.close(4001, 'grüße');
        await untilEnded(pair);

        assert.equal(client.received.length, 10);
        assert.deepEqual(client.closed, { code: 4001, reason: 'grüße', wasClean: true });
        assert.deepEqual([served.closes[0]?.code, served.closes[0]?.wasClean], [4001, true]);
      },
    },
    {
      name: 'reading goes on after the close, until the client has answered it',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.send('on its way');
        pair.served.wire.close(1000, '');
        await untilEnded(pair);
        assert.deepEqual(pair.served.texts, ['on its way']);
      },
    },
    {
      name: 'nothing is written after the close',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.served.wire.close(1000, '');
        assert.equal(pair.served.wire.write(Frame.text('late')), 'closed');
        pair.served.wire.ping();
        pair.served.wire.close(4000, 'again');
        await untilEnded(pair);
        assert.equal(pair.served.wire.write(Frame.text('late')), 'closed');
        assert.deepEqual(pair.client.received, []);
        assert.equal(pair.client.closed?.code, 1000);
        assert.equal(pair.served.wire.bufferedBytes, 0);
      },
    },
    {
      name: 'a close waits for a client that does not read, and for its answer',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.pause();
        await turns();
        pair.served.wire.close(4002, '');
        await turns(30);
        assert.deepEqual(pair.served.closes, []);
        pair.client.resume();
        await untilEnded(pair);
        assert.equal(pair.client.closed?.code, 4002);
      },
    },
  ];
}

function clientCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: "the client's close comes after its frames, and is answered with its code",
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.send('1');
        pair.client.send('2');
        pair.client.close(3001, 'grüße');
        await untilEnded(pair);
        assert.deepEqual(pair.served.texts, ['1', '2']);
        assert.deepEqual(pair.served.closes, [{ code: 3001, reason: 'grüße', wasClean: true }]);
        assert.deepEqual([pair.client.closed?.code, pair.client.closed?.wasClean], [3001, true]);
      },
    },
    {
      name: 'a close without a code is told as 1005',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.close();
        await untilEnded(pair);
        assert.deepEqual(pair.served.closes, [{ code: 1005, reason: '', wasClean: true }]);
      },
    },
    {
      name: 'nothing is written once the client has closed, and all calls are in vain',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.close(1000);
        await untilEnded(pair);
        const { wire } = pair.served;
        assert.equal(wire.write(Frame.text('late')), 'closed');
        wire.ping();
        wire.pause();
        wire.resume();
        wire.close(4000, '');
        wire.terminate();
        await wire.drained();
        await turns();
        assert.equal(pair.served.closes.length, 1);
      },
    },
    {
      name: "what a turn wrote before the client's close came still leaves",
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.served.wire.write(Frame.text('answer'));
        pair.client.send('question');
        await until(() => pair.client.received.length === 1, 'it has come');
        pair.client.close(1000);
        await untilEnded(pair);
        assert.deepEqual(pair.served.texts, ['question']);
      },
    },
    {
      name: 'a close that comes while the wire is paused is told after the frames before it',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.served.wire.pause();
        await turns();
        pair.client.send('1');
        pair.client.close(3000);
        await turns(30);
        assert.deepEqual([pair.served.texts, pair.served.closes], [[], []]);
        pair.served.wire.resume();
        await until(() => pair.served.closes.length === 1, 'the end is told');
        assert.deepEqual([pair.served.texts, pair.served.closes[0]?.code], [['1'], 3000]);
      },
    },
    {
      name: 'an end that comes before anyone listens is told after it',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        const served = new Served(await upgrade.accept({}));
        await until(() => client.answer !== undefined, 'the client is let in');
        client.send('1');
        client.close(3000);
        await turns(30);
        served.listen();
        await until(() => served.closes.length === 1, 'the end is told');
        assert.deepEqual([served.texts, served.closes[0]?.code], [['1'], 3000]);
      },
    },
  ];
}

function brokenCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'both ends close at once, and each learns of it once',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.close(3000);
        pair.served.wire.close(4000, '');
        await untilEnded(pair);
        assert.ok(pair.served.closes[0]?.wasClean);
      },
    },
    {
      name: 'a terminated wire ends with 1006 at both ends',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.served.wire.terminate();
        assert.equal(pair.served.wire.write(Frame.text('late')), 'closed');
        pair.served.wire.terminate();
        await untilEnded(pair);
        assert.deepEqual(pair.served.closes, [{ code: 1006, reason: '', wasClean: false }]);
        assert.deepEqual([pair.client.closed?.code, pair.client.closed?.wasClean], [1006, false]);
      },
    },
    {
      name: 'a client that vanishes is told as 1006',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.drop();
        await untilEnded(pair);
        assert.deepEqual(pair.served.closes, [{ code: 1006, reason: '', wasClean: false }]);
        assert.equal(pair.served.wire.write(Frame.text('late')), 'closed');
      },
    },
    {
      name: 'a close that is not answered can be cut off',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pair = await site.pair();
        pair.client.pause();
        await turns();
        pair.served.wire.close(4000, '');
        await turns();
        pair.served.wire.terminate();
        await until(() => pair.served.closes.length === 1, 'the end is told');
        assert.deepEqual(pair.served.closes, [{ code: 1006, reason: '', wasClean: false }]);
      },
    },
  ];
}
