import assert from 'node:assert/strict';
import { Frame, WebSocketDisconnect } from 'channelbox';
import { until, type ConformanceCase } from './case.ts';
import { closingCases } from './transport-closing.ts';
import { flowCases } from './transport-flow.ts';
import { Served, OpenSite, turns, type HandshakeAnswer, type TransportHarness } from './transport-harness.ts';

export type { ConformanceCase } from './case.ts';
export type {
  ClientRequest,
  ConformanceClient,
  HandshakeAnswer,
  TransportHarness,
  TransportSite,
} from './transport-harness.ts';

/**
 * The suite has the promises of `Upgrade` and `Wire`, one case each. A transport of your own passes them all: `for
 * (const { name, run } of transportCases(harness)) test(name, run)`.
 */
export function transportCases(harness: TransportHarness): ConformanceCase[] {
  return [
    ...acceptCases(harness),
    ...denyCases(harness),
    ...leavingCases(harness),
    ...frameCases(harness),
    ...flowCases(harness),
    ...closingCases(harness),
  ];
}

function acceptCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'an upgrade says what was asked for, and by whom',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { upgrade } = await site.ask({
          target: '/room/a%20b?token=1&token=2',
          headers: [['X-Some', 'one']],
          subprotocols: ['chat', 'superchat'],
        });

        assert.equal(upgrade.method, 'GET');
        assert.equal(upgrade.url.pathname + upgrade.url.search, '/room/a%20b?token=1&token=2');
        assert.equal(upgrade.path ?? upgrade.url.pathname, '/room/a%20b');
        const headers = new Headers(upgrade.headers.map(([name, value]): [string, string] => [name, value]));
        assert.equal(headers.get('x-some'), 'one');
        assert.deepEqual(headers.get('sec-websocket-protocol')?.split(/, ?/), ['chat', 'superchat']);
        assert.ok(headers.has('host'));
        assert.ok(upgrade.client.host !== '' && upgrade.client.port > 0);
        assert.equal(upgrade.signal.aborted, false);
      },
    },
    {
      name: 'an accept answers 101 with the headers and the subprotocol that it names',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask({ subprotocols: ['chat', 'superchat'] });
        assert.ok(client.answer === undefined, 'nothing is sent before the accept');

        await upgrade.accept({ subprotocol: 'superchat', headers: [['X-Session', 'abc']] });
        await until(() => client.answer !== undefined, 'the client is answered');

        const { status, subprotocol, headers } = client.answer as unknown as HandshakeAnswer;
        assert.deepEqual([status, subprotocol, headers.get('x-session')], [101, 'superchat', 'abc']);
      },
    },
    {
      name: 'a subprotocol that is not named is not chosen',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask({ subprotocols: ['chat'] });
        await upgrade.accept({});
        await until(() => client.answer !== undefined, 'the client is answered');
        assert.equal(client.answer?.subprotocol, '');
      },
    },
    {
      name: 'what the request said can be read after the answer',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { upgrade } = await site.ask({ target: '/later?a=1', headers: [['X-Some', 'one']] });
        await upgrade.accept({});
        assert.equal(upgrade.url.search, '?a=1');
        assert.ok(upgrade.headers.some(([name, value]) => name.toLowerCase() === 'x-some' && value === 'one'));
      },
    },
    {
      name: 'an upgrade is answered once',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { upgrade } = await site.ask();
        await upgrade.accept({});
        await assert.rejects(upgrade.accept({}), { code: 'CHANNELBOX_ALREADY_ANSWERED' });
        await assert.rejects(upgrade.deny(new Response()), { code: 'CHANNELBOX_ALREADY_ANSWERED' });
      },
    },
  ];
}

function denyCases(harness: TransportHarness): ConformanceCase[] {
  return [
    {
      name: 'a deny answers with status, headers and body as they are',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        const headers = new Headers({ 'X-Why': 'because', 'Content-Type': 'text/plain; charset=utf-8' });
        headers.append('Set-Cookie', 'a=1');
        headers.append('Set-Cookie', 'b=2');

        await upgrade.deny(new Response('gé away', { status: 429, headers }));
        await until(() => client.answer !== undefined, 'the client is answered');

        assert.equal(client.answer?.status, 429);
        assert.equal(client.answer?.body, 'gé away');
        assert.equal(client.answer?.headers.get('x-why'), 'because');
        assert.deepEqual(client.answer?.headers.getSetCookie(), ['a=1', 'b=2']);
      },
    },
    {
      name: 'a deny without a body is an answer too',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        await upgrade.deny(new Response(null, { status: 403 }));
        await until(() => client.answer !== undefined, 'the client is answered');
        assert.deepEqual([client.answer?.status, client.answer?.body], [403, '']);
        await assert.rejects(upgrade.accept({}), { code: 'CHANNELBOX_ALREADY_ANSWERED' });
      },
    },
  ];
}

function leavingCases(harness: TransportHarness): ConformanceCase[] {
  const isDisconnect = (error: unknown): boolean =>
    error instanceof WebSocketDisconnect && error.code === 1006 && !error.wasClean;
  return [
    {
      name: 'a client that leaves unanswered aborts the signal, and can be accepted no more',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        const { signal } = upgrade;
        client.drop();
        await until(() => signal.aborted, 'the signal aborts');
        assert.ok(isDisconnect(signal.reason));
        await assert.rejects(upgrade.accept({}), isDisconnect);
      },
    },
    {
      name: 'a deny for a client that has left harms nobody',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        const { signal } = upgrade;
        client.drop();
        await until(() => signal.aborted, 'the signal aborts');
        await upgrade.deny(new Response('too late', { status: 403 }));
      },
    },
    {
      name: 'an answered upgrade aborts no more',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        const { signal } = upgrade;
        const served = new Served(await upgrade.accept({})).listen();
        await until(() => client.answer !== undefined, 'the client is let in');
        client.drop();
        await until(() => served.closes.length > 0, 'the end is told');
        assert.equal(signal.aborted, false);
      },
    },
  ];
}

function frameCases(harness: TransportHarness): ConformanceCase[] {
  const payloads = [
    '',
    'a',
    'é☃😀\0',
    'x'.repeat(70_000),
    Uint8Array.of(),
    Uint8Array.of(0, 255, 128),
    new Uint8Array(130),
  ];
  return [
    {
      name: 'frames of every size and both kinds go both ways, in order, as they were',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();

        for (const data of payloads) client.send(data);
        for (const data of payloads) served.wire.write(typeof data === 'string' ? Frame.text(data) : Frame.bytes(data));
        await until(() => served.frames.length === payloads.length, 'the server has all');
        await until(() => client.received.length === payloads.length, 'the client has all');

        assert.deepEqual(served.texts, payloads);
        for (const [at, { type, data }] of served.frames.entries()) {
          assert.equal(type, typeof payloads[at] === 'string' ? 'text' : 'bytes');
          assert.ok(typeof data === 'string' || data.constructor === Uint8Array, 'bytes come as a Uint8Array');
        }
        assert.deepEqual(
          client.received.map(({ data }) => (typeof data === 'string' ? data : new Uint8Array(data))),
          payloads,
        );
      },
    },
    {
      name: 'frames that come before anyone listens are handed out after it, in order',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        await turns();
        const served = new Served(await upgrade.accept({}));
        await until(() => client.answer !== undefined, 'the client is let in');
        for (const text of ['1', '2', '3']) client.send(text);
        await turns();
        served.listen();
        client.send('4');
        await until(() => served.frames.length === 4, 'all have come');
        assert.deepEqual(served.texts, ['1', '2', '3', '4']);
      },
    },
    {
      name: 'an upgrade that was watched is served as any other',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, upgrade } = await site.ask();
        assert.equal(upgrade.signal.aborted, false);
        await turns();
        const served = new Served(await upgrade.accept({})).listen();
        await until(() => client.answer !== undefined, 'the client is let in');
        client.send('here');
        await until(() => served.frames.length === 1, 'it has come');
      },
    },
    {
      name: 'one frame serves many wires, and is a copy of what it was made of',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const pairs = [await site.pair(), await site.pair(), await site.pair()];
        const bytes = Uint8Array.of(1, 2, 3);
        const frame = Frame.bytes(bytes);
        bytes.fill(9);
        for (const { served } of pairs) served.wire.write(frame);
        for (const { client } of pairs) {
          await until(() => client.received.length === 1, 'it has come');
          assert.deepEqual([...((client.received[0]?.data ?? []) as Uint8Array)], [1, 2, 3]);
        }
      },
    },
    {
      name: 'half a surrogate pair arrives as U+FFFD',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair();
        served.wire.write(Frame.text('a\ud800b'));
        await until(() => client.received.length === 1, 'it has come');
        assert.equal(client.received[0]?.data, 'a\ufffdb');
      },
    },
    {
      name: 'a message of maxPayloadBytes passes, a larger one ends the wire with 1009',
      run: async () => {
        await using site = await OpenSite.of(harness);
        const { client, served } = await site.pair({ maxPayloadBytes: 10 });
        client.send('é'.repeat(5));
        client.send('é'.repeat(5) + 'x');
        client.send('after');
        await until(() => served.closes.length > 0 && client.closed !== undefined, 'both have ended');
        await turns();
        assert.deepEqual(served.texts, ['ééééé']);
        assert.deepEqual([served.closes.length, served.closes[0]?.code], [1, 1009]);
        assert.equal(client.closed?.code, 1009);
        assert.equal(served.wire.write(Frame.text('x')), 'closed');
      },
    },
  ];
}
