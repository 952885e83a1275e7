import { Channel, ChannelBoxError, type Handler, type ServerWebSocket } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { Arena, type ArenaOptions } from './arena.ts';

type Misuse = (ws: ServerWebSocket) => unknown;

interface Case {
  readonly what: string;
  readonly misuse: Misuse;
  readonly code: string;
}

const cycle: { self?: unknown } = {};
cycle.self = cycle;
const oneMegabyte = 'x'.repeat(1_000_000);
const box = (ws: ServerWebSocket): ServerWebSocket['channelBox'] => ws.channelBox;

const payloads: Readonly<Record<string, unknown>> = {
  'a BigInt': 1n,
  'a BigInt within': { deep: [1n] },
  'a cycle': cycle,
  undefined: undefined,
  'a function': () => {},
  'a symbol': Symbol('x'),
  'an object whose toJSON throws': {
    toJSON() {
      throw new Error('no');
    },
  },
};

const unencodable: readonly Case[] = Object.entries(payloads).flatMap(([what, payload]) =>
  (
    [
      [`${what} by sendJson`, (ws) => ws.sendJson(payload)],
      [`${what} by channel.send`, (ws) => ws.channel.send(payload)],
      [`${what} by groupSend`, (ws) => box(ws).groupSend('room', payload)],
      [`${what} by groupSend that saves`, (ws) => box(ws).groupSend('room', payload, { saveHistory: true })],
      [`${what} by sendTo`, (ws) => box(ws).sendTo(ws.id, payload)],
    ] satisfies [string, Misuse][]
  ).map(([named, misuse]) => ({ what: named, misuse, code: 'CHANNELBOX_PAYLOAD_ENCODING' })),
);

const wrongKind: readonly Case[] = (
  [
    ['channel.send', (ws) => ws.channel.send(Uint8Array.of(1))],
    ['groupSend', (ws) => box(ws).groupSend('room', Uint8Array.of(1))],
    ['groupSend that saves', (ws) => box(ws).groupSend('room', Uint8Array.of(1), { saveHistory: true })],
    ['sendTo', (ws) => box(ws).sendTo(ws.id, Uint8Array.of(1))],
  ] satisfies [string, Misuse][]
).map(([what, misuse]) => ({
  what: `a Uint8Array to a json channel by ${what}`,
  misuse,
  code: 'CHANNELBOX_PAYLOAD_KIND',
}));

const groupCalls: Readonly<Record<string, (ws: ServerWebSocket, group: string) => unknown>> = {
  join: (ws, group) => ws.join(group),
  resume: (ws, group) => ws.resume(group),
  leave: (ws, group) => ws.leave(group),
  groupSend: (ws, group) => box(ws).groupSend(group, 'x'),
  members: (ws, group) => box(ws).members(group),
  showHistory: (ws, group) => box(ws).showHistory(group),
  flushHistory: (ws, group) => box(ws).flushHistory(group),
  closeGroup: (ws, group) => box(ws).closeGroup(group),
};

const groupNames: readonly Case[] = Object.entries(groupCalls).flatMap(([call, misuse]) => [
  { what: `an empty group name to ${call}`, misuse: (ws) => misuse(ws, ''), code: 'CHANNELBOX_GROUP_NAME' },
  { what: `half a surrogate to ${call}`, misuse: (ws) => misuse(ws, 'a\ud800'), code: 'CHANNELBOX_GROUP_NAME' },
  { what: `a number to ${call}`, misuse: (ws) => misuse(ws, 7 as unknown as string), code: 'CHANNELBOX_GROUP_NAME' },
  {
    what: `a group name of 1 MB to ${call}`,
    misuse: (ws) => misuse(ws, oneMegabyte),
    code: 'CHANNELBOX_GROUP_NAME_BYTES',
  },
  {
    what: `a group name of 128 two-byte characters to ${call}`,
    misuse: (ws) => misuse(ws, 'é'.repeat(128)),
    code: 'CHANNELBOX_GROUP_NAME_BYTES',
  },
]);

const since = (epoch: unknown, offset: unknown): Misuse => {
  return (ws) => ws.resume('room', { since: { epoch, offset } as never });
};

const others: readonly Case[] = [
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN].flatMap((code): Case[] => [
    { what: `close(${code})`, misuse: (ws) => ws.close(code), code: 'CHANNELBOX_CLOSE_CODE' },
    { what: `channel.close(${code})`, misuse: (ws) => ws.channel.close(code), code: 'CHANNELBOX_CLOSE_CODE' },
    {
      what: `closeGroup with ${code}`,
      misuse: (ws) => box(ws).closeGroup('room', { code }),
      code: 'CHANNELBOX_CLOSE_CODE',
    },
    {
      what: `closeChannel with ${code}`,
      misuse: (ws) => box(ws).closeChannel(ws.id, { code }),
      code: 'CHANNELBOX_CLOSE_CODE',
    },
    {
      what: `closeAllConnections with ${code}`,
      misuse: (ws) => box(ws).closeAllConnections({ code }),
      code: 'CHANNELBOX_CLOSE_CODE',
    },
  ]),
  {
    what: 'bytes as a close reason',
    misuse: (ws) => ws.close(1000, Uint8Array.of(1, 2, 3) as never),
    code: 'CHANNELBOX_CLOSE_REASON',
  },
  {
    what: 'a number as a reason of closeGroup',
    misuse: (ws) => box(ws).closeGroup('room', { reason: 7 as never }),
    code: 'CHANNELBOX_CLOSE_REASON',
  },
  { what: 'a second accept', misuse: (ws) => ws.accept(), code: 'CHANNELBOX_ALREADY_ANSWERED' },
  { what: 'deny after accept', misuse: (ws) => ws.deny(403), code: 'CHANNELBOX_ALREADY_ANSWERED' },
  { what: 'a second channel', misuse: (ws) => void new Channel(ws), code: 'CHANNELBOX_CHANNEL_CLAIMED' },
  { what: 'a number by sendText', misuse: (ws) => ws.sendText(7 as never), code: 'CHANNELBOX_SEND_DATA' },
  { what: 'undefined by sendText', misuse: (ws) => ws.sendText(undefined as never), code: 'CHANNELBOX_SEND_DATA' },
  { what: 'a string by sendBytes', misuse: (ws) => ws.sendBytes('x' as never), code: 'CHANNELBOX_SEND_DATA' },
  { what: 'an object by send', misuse: (ws) => ws.send({} as never), code: 'CHANNELBOX_SEND_DATA' },
  { what: 'no channel to add', misuse: (ws) => box(ws).add(undefined as never), code: 'CHANNELBOX_FOREIGN_CHANNEL' },
  { what: 'a channel of nobody', misuse: (ws) => box(ws).add({} as never), code: 'CHANNELBOX_FOREIGN_CHANNEL' },
  ...[-1, 1.5, Number.NaN, '5'].map((limit) => ({
    what: `showHistory with limit ${String(limit)}`,
    misuse: (ws: ServerWebSocket) => box(ws).showHistory('room', { limit: limit as number }),
    code: 'CHANNELBOX_HISTORY_LIMIT',
  })),
  { what: 'a position without an epoch', misuse: since(undefined, 1), code: 'CHANNELBOX_POSITION' },
  { what: 'a position of text', misuse: since('e', '1'), code: 'CHANNELBOX_POSITION' },
  { what: 'a negative position', misuse: since('e', -1), code: 'CHANNELBOX_POSITION' },
  { what: 'a position that is no whole number', misuse: since('e', 0.5), code: 'CHANNELBOX_POSITION' },
  {
    what: 'null as a position',
    misuse: (ws) => ws.resume('room', { since: null as never }),
    code: 'CHANNELBOX_POSITION',
  },
  ...[0, -1, Number.NaN, '60'].map((expires) => ({
    what: `expires ${String(expires)}`,
    misuse: (ws: ServerWebSocket) => void (ws.channel.expires = expires as number),
    code: 'CHANNELBOX_CHANNEL_OPTIONS',
  })),
  {
    what: 'a message larger than the history of its group',
    misuse: (ws) => box(ws).groupSend('room', 'x'.repeat(1024 * 1024 + 1), { saveHistory: true }),
    code: 'CHANNELBOX_MESSAGE_TOO_LARGE',
  },
  {
    what: 'a 129th group',
    misuse: async (ws) => {
      for (let count = 0; count < 129; count += 1) await ws.join(`room ${count}`);
    },
    code: 'CHANNELBOX_GROUPS_PER_CHANNEL',
  },
];

/** Runs `misuse` in a handler that is accepted; a member of `room` sees whether anything was sent. */
async function attempt(misuse: Misuse, options: ArenaOptions = {}): Promise<{ error: unknown; heard: string[] }> {
  const outcome = new Gate<unknown>();
  const member: Handler = async (ws) => {
    await ws.accept();
    await ws.join('room');
    await ws.sendText('ready');
    await ws.receive();
  };
  const attacker: Handler = async (ws) => {
    await ws.accept();
    ws.channel.touch();
    try {
      await misuse(ws);
      outcome.open(undefined);
    } catch (error) {
      outcome.open(error);
    }
    await ws.receive();
  };
  await using arena = await Arena.open({
    ...options,
    routes: (app) => app.wsRoute('/attacked', attacker).wsRoute('/member', member),
  });
  const heard: string[] = [];
  const listener = arena.client('/member');
  await new Promise<void>((resolve) => {
    listener.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text === 'ready') resolve();
      else heard.push(text);
    });
  });
  const client = await arena.connect('/attacked');
  const error = await outcome.promise;
  expect(client.readyState).toBe(client.OPEN);
  await arena.expectUndisturbed(3);
  expect(listener.readyState).toBe(listener.OPEN);
  expect(arena.seriousLogs).toEqual([]);
  return { error, heard };
}

describe('is refused with a typed error, disturbs nobody and sends nothing:', () => {
  test.each([...unencodable, ...wrongKind, ...groupNames, ...others])('$what', async ({ misuse, code }) => {
    const { error, heard } = await attempt(misuse);

    expect(error).toBeInstanceOf(ChannelBoxError);
    expect(error).toMatchObject({ code });
    expect(heard).toEqual([]);
  });
});

describe('is odd but allowed:', () => {
  test.each(['__proto__', 'constructor', '{}', '*', '?', 'a\nb', '\0', 'é', 'e\u0301', ' ', 'x'.repeat(255)])(
    'a group named %j',
    async (group) => {
      const sizes: number[] = [];
      const { error } = await attempt(async (ws) => {
        expect(await ws.join(group)).toBe('CHANNEL_ADDED');
        expect(await ws.join(group)).toBe('CHANNEL_EXIST');
        await box(ws).groupSend(group, 'x', { saveHistory: true });
        sizes.push((await box(ws).members(group)).length, (await box(ws).showHistory(group)).messages.length);
        expect(await ws.leave(group)).toBe('GROUP_REMOVED');
        expect(await ws.leave(group)).toBe('GROUP_DOES_NOT_EXIST');
      });
      expect(error).toBeUndefined();
      expect(sizes).toEqual([1, 1]);
    },
  );

  test('names that look alike, which stay apart', async () => {
    const { error } = await attempt(async (ws) => {
      await ws.join('\u00e9');
      expect(await box(ws).groupSend('e\u0301', 'x')).toMatchObject({ status: 'NO_SUCH_GROUP' });
    });
    expect(error).toBeUndefined();
  });

  test('a buffer changed after it was sent, which sends the old bytes', async () => {
    await using arena = await Arena.open({
      routes: (app) =>
        app.wsRoute('/attacked', async (ws) => {
          await ws.accept();
          const bytes = Uint8Array.of(1, 2, 3);
          void ws.sendBytes(bytes);
          bytes.fill(9);
          await ws.receive();
        }),
    });
    const client = await arena.upgraded('/attacked');

    expect([...((await client.frame())?.payload ?? [])]).toEqual([1, 2, 3]);
  });

  test.each([3600 * 24 * 365 * 100, 2 ** 53, Infinity])('expires %d', async (expires) => {
    const { error } = await attempt((ws) => {
      ws.channel.expires = expires;
      expect(ws.channel.isActive()).toBe(true);
    });
    expect(error).toBeUndefined();
  });

  test('a position of another epoch or past the end, which is not recovered', async () => {
    const { error } = await attempt(async (ws) => {
      await box(ws).groupSend('room 2', 'x', { saveHistory: true });
      const { position } = await ws.resume('room 2');
      expect(await ws.resume('room 2', { since: position })).toMatchObject({ recovered: true, messages: [] });
      expect(await ws.resume('room 2', { since: { ...position, epoch: 'other' } })).toMatchObject({
        recovered: false,
        messages: [{ payload: 'x' }],
      });
      expect(await ws.resume('room 2', { since: { ...position, offset: 2 ** 50 } })).toMatchObject({
        recovered: false,
      });
    });
    expect(error).toBeUndefined();
  });

  test('a send to a socket that is closed, by anyone, which is the value closed', async () => {
    const { error } = await attempt(async (ws) => {
      expect(await box(ws).sendTo('nobody', 'x')).toBe('closed');
      expect(await box(ws).closeChannel('nobody')).toBe(false);
      expect(await box(ws).closeGroup('no such group')).toBe(0);
    });
    expect(error).toBeUndefined();
  });
});

test('a drain with a code that may not be sent is refused, and drains nobody', async () => {
  await using arena = await Arena.open();

  await expect(arena.app.drain({ code: 1006 })).rejects.toMatchObject({ code: 'CHANNELBOX_CLOSE_CODE' });

  await arena.expectUndisturbed();
  await arena.connect('/echo');
});
