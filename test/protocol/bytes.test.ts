import { runInNewContext } from 'node:vm';
import { App, ChannelBox, consumer, type BytesLike } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';

const four = Uint8Array.of(0, 1, 2, 255);
const shared = new SharedArrayBuffer(4);
new Uint8Array(shared).set(four);
const within = Uint8Array.of(9, 0, 1, 2, 255, 9);

/** The same four bytes in every form that there is, of this realm and of another. */
const forms: Readonly<Record<string, unknown>> = {
  'a Uint8Array': four,
  'a Buffer': Buffer.from(four),
  'an ArrayBuffer': four.slice().buffer,
  'a SharedArrayBuffer': shared,
  'a view of a shared one': new Uint8Array(shared),
  'a DataView of a part': new DataView(within.buffer, 1, 4),
  'a Uint8ClampedArray': Uint8ClampedArray.from(four),
  'a Uint16Array, by its bytes': new Uint16Array(four.slice().buffer),
  'an ArrayBuffer of another realm': runInNewContext('Uint8Array.of(0, 1, 2, 255).buffer'),
  'a Uint8Array of another realm': runInNewContext('Uint8Array.of(0, 1, 2, 255)'),
  'a DataView of another realm': runInNewContext('new DataView(Uint8Array.of(9, 0, 1, 2, 255).buffer, 1)'),
  'a shared buffer of another realm': runInNewContext(
    'const b = new SharedArrayBuffer(4); new Uint8Array(b).set([0, 1, 2, 255]); b',
  ),
};
const blob = new Blob(['hi']);

describe.each(['memory', 'tcp'] as const)('bytes over %s', (transport) => {
  test.each(Object.keys(forms))('%s goes out as bytes by every door, and is copied at once', async (name) => {
    const value = forms[name] as BytesLike;
    const box = new ChannelBox();
    const app = new App({ channelBox: box });
    app.addWsRoute(
      consumer('/', {
        encoding: 'bytes',
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('all');
          await ws.send(value);
          await ws.sendBytes(value);
          await this.sendBytes(value);
          await this.send(value);
          await ws.channel.send(value);
          await this.sendTo(ws.id, value);
          await this.broadcast(value, 'all', { saveHistory: true });
        },
      }),
    );
    await using t = testApp(app, { transport });
    const ann = await t.connect('/');
    for (let times = 0; times < 7; times += 1) await ann.expect(four);
    expect((await box.showHistory('all')).messages).toEqual([expect.objectContaining({ payload: four })]);
  });

  test.each(Object.keys(forms))('%s is sent by the test client, and compared with a frame', async (name) => {
    const value = forms[name] as BytesLike;
    const app = new App().wsRoute('/', async (ws) => {
      await ws.accept();
      for await (const { data } of ws) await ws.send(data);
    });
    await using t = testApp(app, { transport });
    const ann = await t.connect('/');
    ann.send(value);
    await ann.expect(value);
    ann.sendBytes(value);
    await ann.expect(four);
    expect(() => ann.send(blob as never)).toThrow(/Blob came; read it first/);
  });
});

test('what is changed after it was sent goes out as it was', async () => {
  const bytes = four.slice();
  const app = new App().wsRoute('/', async (ws) => {
    await ws.accept();
    void ws.send(bytes.buffer);
    bytes.fill(7);
    await ws.receive();
  });
  await using t = testApp(app);
  const ann = await t.connect('/');
  await ann.expect(four);
  await ann.close();
});

/** What JSON would carry without its content, and what the message advises. */
const hidden: readonly (readonly [what: string, value: unknown, advice: string])[] = [
  ['a Blob', blob, 'await blob.arrayBuffer()'],
  ['a File', new File(['hi'], 'hi.txt'), 'await blob.arrayBuffer()'],
  ['a Map', new Map([[1, 2]]), 'an array or an object'],
  ['a Set', new Set(), 'an array or an object'],
  ['a promise', Promise.resolve(1), 'await it first'],
  ['a Blob inside', { files: [{ blob }] }, 'await blob.arrayBuffer()'],
  ['a Buffer inside', { data: Buffer.from('hi') }, 'by themselves, as bytes'],
  ['a Uint8Array inside', [four], 'by themselves, as bytes'],
  ['an empty one inside', { a: { b: new Uint8Array() } }, 'by themselves, as bytes'],
  ['an ArrayBuffer inside', { a: four.buffer }, 'by themselves, as bytes'],
  ['bytes of another realm inside', { a: runInNewContext('new ArrayBuffer(1)') }, 'by themselves, as bytes'],
];

test.each(hidden)('%s is refused as JSON, before anything is sent, with what to do', async (_what, value, advice) => {
  const refusals: unknown[] = [];
  const outcome = async (call: Promise<unknown>): Promise<void> => {
    refusals.push(await call.then(String, (error: unknown) => error));
  };
  const app = new App().consumer('/', {
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup();
      await outcome(ws.sendJson(value));
      await outcome(this.send(value));
      await outcome(this.broadcast(value));
      await outcome(this.broadcast(value, 'default', { saveHistory: true }));
    },
  });
  await using t = testApp(app);
  const ann = await t.connect('/');
  await ann.expectNothing();
  expect(refusals).toHaveLength(4);
  for (const refusal of refusals) {
    expect(refusal).toMatchObject({ code: 'CHANNELBOX_PAYLOAD_ENCODING', message: expect.stringContaining(advice) });
  }
  expect(() => ann.sendJson(value)).toThrow(advice);
});

test.each([
  ['an empty object', {}],
  ['empty ones inside', { a: {}, b: [{}] }],
  ['keys that are numbers', { 0: 'a', 1: 'b' }],
  ['what looks like a Buffer and is none', { type: 'Buffer', data: [1] }],
  ['a date', { at: new Date(0) }],
  ['a Map that says how it is written', Object.assign(new Map(), { toJSON: () => ({ 0: {} }) })],
])('%s is plain data, and goes out', async (_what, value) => {
  const app = new App().wsRoute('/', async (ws) => {
    await ws.accept();
    await ws.sendJson(value);
  });
  await using t = testApp(app);
  const ann = await t.connect('/');
  expect(await ann.receiveJson()).toEqual(JSON.parse(JSON.stringify(value)));
});

test.each(['send', 'sendBytes'] as const)('%s of a Blob rejects with the advice to read it first', async (call) => {
  const refused: unknown[] = [];
  const app = new App().wsRoute('/', async (ws) => {
    await ws.accept();
    refused.push(await ws[call](blob as never).catch((error: unknown) => error));
  });
  await using t = testApp(app);
  await t.connect('/');
  await t.settle();
  expect(refused).toEqual([expect.objectContaining({ code: 'CHANNELBOX_SEND_DATA' })]);
  expect(String(refused[0])).toContain('await blob.arrayBuffer()');
});
