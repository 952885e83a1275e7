import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Frame, type WebSocket } from 'channelbox';
import type { Box } from '../../src/channel/box.ts';
import type { NodeTransportOptions } from '../../src/transport/node/node.ts';
import { BroadcastServer, room, type Listener } from './broadcast-server.ts';
import { turnEnds } from './turn-ends.ts';

/** What may happen on the server, in the order given. */
type Step =
  | { readonly kind: 'direct'; readonly to: number; readonly bytes: number }
  | { readonly kind: 'group'; readonly except: number | undefined; readonly bytes: number }
  | { readonly kind: 'binary'; readonly to: number }
  | { readonly kind: 'ping'; readonly to: number }
  | { readonly kind: 'close'; readonly to: number; readonly code: number }
  | { readonly kind: 'turn' };

const members = 4;
const member = fc.nat(members - 1);
/** Mostly small, some past the size at which what is joined leaves early, some that are deflated. */
const bytes = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 900, max: 70_000 }));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('direct' as const), to: member, bytes }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('group' as const),
        except: fc.option(member, { nil: undefined, freq: 3 }),
        bytes,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('binary' as const), to: member }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('ping' as const), to: member }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('close' as const), to: member, code: fc.constantFrom(1000, 4001) }),
    },
    { weight: 4, arbitrary: fc.constant({ kind: 'turn' as const }) },
  ),
  { minLength: 1, maxLength: 40 },
);

/** What every way of writing keeps: joined or not, past ws's queue or through it, deflated or not. */
export function sendingKeepsItsRules(way: string, options: NodeTransportOptions = {}): void {
  const client = { perMessageDeflate: options.compression === true };

  describe(`${way}`, () => {
    test('keeps the order of direct sends, group sends and close frames', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (taken) => {
          await using server = await BroadcastServer.start(options);
          await server.connect(members, client);
          const expected = await take(taken, server);
          const codes = await Promise.all(
            server.listeners.map((listener, at) => endOf(listener, expected[at] as Expected)),
          );
          expect(codes).toEqual(expected.map(({ close }) => close));
          expect(server.listeners.map(({ received }) => received.map(shortened))).toEqual(
            expected.map(({ messages }) => messages.map(shortened)),
          );
        }),
        { numRuns: 25 },
      );
    });

    test('carries every length of header, text and binary, unchanged', async () => {
      await using server = await BroadcastServer.start(options);
      const [listener] = await server.connect(1, client);
      const texts = [0, 1, 125, 126, 127, 1023, 1024, 65_535, 65_536, 70_000].map((length) => textOf(length, length));
      for (const text of texts) await server.sockets[0]?.sendText(text);
      await server.sockets[0]?.sendBytes(Buffer.from('é, in two bytes'));
      await listener?.has(texts.length + 1);
      expect(listener?.received.map(shortened)).toEqual([...texts, 'bytes é, in two bytes'].map(shortened));
    });

    test('is closed to what comes after the close', async () => {
      await using server = await BroadcastServer.start(options);
      const [listener] = await server.connect(1, client);
      const [socket] = server.sockets;
      await socket?.sendText('last');
      void socket?.close(4001, 'enough');
      expect(await socket?.sendText('too late')).toBe('closed');
      expect(await listener?.ended).toEqual({ code: 4001, reason: 'enough' });
      expect(listener?.received).toEqual(['last']);
    });

    test('says sent while nothing of an earlier turn waits, and drains to nothing', async () => {
      await using server = await BroadcastServer.start(options);
      const [listener] = await server.connect(1, client);
      const socket = server.sockets[0] as WebSocket;
      const outcomes = await Promise.all([1, 2, 3].map((at) => socket.sendText(textOf(100, at))));
      expect(outcomes).toEqual(['sent', 'sent', 'sent']);
      await listener?.has(3);
      await turnEnds();
      expect(socket.bufferedBytes).toBe(0);
    });

    test('says queued to a peer that does not read, and what it queued arrives once it reads', async () => {
      await using server = await BroadcastServer.start({ ...options, heldBytes: 64 * 1024 * 1024 });
      const [listener] = await server.connect(1, client);
      const { channelBox } = server.app;
      listener?.client.pause();
      let sent = 0;
      let outcome: 'sent' | 'queued' | undefined;
      // The kernel takes a few megabytes for a peer that does not read; then bytes wait.
      while (outcome !== 'queued' && sent < 400) {
        const { queued } = await channelBox.groupSend(room, noiseOf(60_000, sent));
        outcome = queued === 1 ? 'queued' : 'sent';
        sent += 1;
        await turnEnds();
      }
      expect(outcome).toBe('queued');
      listener?.client.resume();
      await listener?.has(sent);
      expect(listener?.received.map((text) => text.slice(0, 8))).toEqual(
        Array.from({ length: sent }, (_, at) => noiseOf(60_000, at).slice(0, 8)),
      );
    });

    test('counts what a turn has written as buffered until the turn ends', async () => {
      await using server = await BroadcastServer.start(options);
      await server.connect(1, client);
      const [socket] = server.sockets;
      void socket?.sendText(textOf(500, 1));
      expect(socket?.bufferedBytes).toBeGreaterThan(0);
      await turnEnds();
      expect(socket?.bufferedBytes).toBe(0);
    });

    test('sends a frame that many wires share as it was, whatever becomes of the bytes it was made of', async () => {
      await using server = await BroadcastServer.start(options);
      const [listener] = await server.connect(1, client);
      const given = new Uint8Array([97, 98, 99]);
      const frame = Frame.bytes(given);
      given.fill(120);
      await (server.app.channelBox as Box).local.sockets[0]?.sendFrame(frame);
      await listener?.has(1);
      expect(listener?.received).toEqual(['bytes abc']);
    });
  });
}

interface Expected {
  readonly messages: string[];
  close: number | undefined;
}

/** Does it all without waiting for anything but turns. @returns what each listener is due */
async function take(taken: readonly Step[], { app, sockets }: BroadcastServer): Promise<Expected[]> {
  const expected = sockets.map((): Expected => ({ messages: [], close: undefined }));
  const due = (at: number, message: string): void => {
    const one = expected[at] as Expected;
    if (one.close === undefined) one.messages.push(message);
  };
  for (const [number, step] of taken.entries()) {
    if (step.kind === 'turn') await turnEnds();
    else if (step.kind === 'group') {
      const text = textOf(step.bytes, number);
      const except = step.except === undefined ? undefined : sockets[step.except]?.channel;
      void app.channelBox.groupSend(room, text, except === undefined ? {} : { except });
      for (const at of sockets.keys()) if (at !== step.except) due(at, text);
    } else if (step.kind === 'direct') {
      const text = textOf(step.bytes, number);
      void sockets[step.to]?.sendText(text);
      due(step.to, text);
    } else if (step.kind === 'binary') {
      void sockets[step.to]?.sendBytes(Buffer.from(`${number}`));
      due(step.to, `bytes ${number}`);
    } else if (step.kind === 'close') {
      void sockets[step.to]?.close(step.code);
      (expected[step.to] as Expected).close ??= step.code;
    } else wireOf(app.channelBox as Box, step.to)?.ping();
  }
  // Behind it nothing may come: a frame too many would be seen.
  void app.channelBox.groupSend(room, 'end');
  for (const at of sockets.keys()) due(at, 'end');
  return expected;
}

/** A ping between data frames: control frames keep ws's own way. */
function wireOf(box: Box, at: number): { ping(): void } | undefined {
  const seat = box.local.sockets[at] as unknown as { wire?: { ping(): void } } | undefined;
  return seat?.wire;
}

/** Once it has all. @returns the code it was closed with, where it is due to be closed */
async function endOf(listener: Listener, { messages, close }: Expected): Promise<number | undefined> {
  await listener.has(messages.length);
  return close === undefined ? undefined : (await listener.ended).code;
}

function textOf(length: number, number: number): string {
  return `${number} `.padEnd(length, 'abcdefgh').slice(0, length);
}

/** Text that deflating makes hardly smaller: each number's begins elsewhere in a noise that is drawn once. */
function noiseOf(length: number, number: number): string {
  const start = `${number} `.padEnd(8);
  noise ??= drawNoise();
  return start + noise.slice(number * 8, number * 8 + length - start.length);
}

let noise: string | undefined;

function drawNoise(): string {
  const parts: string[] = [];
  for (let state = 1, length = 0; length < 64 * 1024; length += 6) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    parts.push(state.toString(36).padStart(6, '0').slice(0, 6));
  }
  return parts.join('');
}

/** A failure that prints 70 000 characters helps nobody. */
function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 40)}… ${text.length} ${text.slice(-8)}`;
}
