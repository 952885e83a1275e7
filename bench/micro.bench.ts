import { Bench } from 'tinybench';
import { consumer, Frame } from '../src/index.ts';
import { Crowd } from './crowd.ts';
import { inside } from './inside.ts';

/** One measurement: nanoseconds of one operation, and half the width of its 95 % interval. */
export interface Micro {
  readonly what: string;
  readonly ns: number;
  readonly marginNs: number;
  readonly perSecond: number;
}

interface Task {
  readonly what: string;
  /** Operations in one call of `run`: a call of its own would cost more than some of them. */
  readonly operations: number;
  readonly run: () => unknown;
}

const members = 1_000;
const batch = 1_000;

/** @param timeMs for each, after a warm-up of a fifth of it */
export async function measureMicro(timeMs = 1_000): Promise<readonly Micro[]> {
  const tasks = [...(await routing()), ...(await encoding()), ...(await sending())];
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 5 });
  for (const { what, run } of tasks) bench.add(what, run);
  await bench.run();
  return tasks.map(({ what, operations }) => {
    const result = bench.getTask(what)?.result;
    if (result === undefined || !('latency' in result)) throw new Error(`${what} gave no result`);
    const { mean, moe } = result.latency;
    const ns = (mean * 1e6) / operations;
    return { what, ns, marginNs: (moe * 1e6) / operations, perSecond: 1e9 / ns };
  });
}

async function routing(): Promise<Task[]> {
  const { RouteTable } = await inside();
  const table = new RouteTable();
  for (let at = 0; at < 100; at += 1) {
    table.addRoute(consumer(`/service-${at}/status`, {}));
    table.addRoute(consumer(`/service-${at}/room/{name}/seat/{seat:int}`, {}));
  }
  const literals = Array.from({ length: batch }, (_, at) => `/service-${at % 100}/status`);
  const fields = Array.from({ length: batch }, (_, at) => `/service-${at % 100}/room/lobby/seat/${at}`);
  return [
    {
      what: 'match of a path without fields, 200 routes',
      operations: batch,
      run: () => literals.forEach((path) => table.match(path)),
    },
    {
      what: 'match of a path with two fields, 200 routes',
      operations: batch,
      run: () => fields.forEach((path) => table.match(path)),
    },
  ];
}

async function encoding(): Promise<Task[]> {
  const { framed } = await inside();
  const counts = { framings: 0, deflates: 0 };
  const texts = [128, 2048].map((bytes) => JSON.stringify({ text: 'x'.repeat(bytes - 11) }));
  return texts.map((text) => ({
    what: `framing of ${Buffer.byteLength(text)} bytes of text`,
    operations: 1,
    run: () => framed(Frame.text(text), counts),
  }));
}

async function sending(): Promise<Task[]> {
  const crowd = new Crowd({ historyCount: 1_000 });
  await crowd.grow(members);
  for (const { ws } of crowd.members) await ws.join('all');
  const { channelBox } = crowd.app;
  const [first] = crowd.members;
  if (first === undefined) throw new Error('the crowd is empty');
  const { channel } = first.ws;
  const message = { text: 'x'.repeat(100) };
  return [
    {
      what: `groupSend to ${members} wires in memory, for each member`,
      operations: members,
      run: () => channelBox.groupSend('all', message),
    },
    { what: 'groupSend to nobody', operations: 1, run: () => channelBox.groupSend('none', message) },
    {
      what: 'history: a message saved where 1 000 are kept',
      operations: 1,
      run: () => channelBox.groupSend('saved', message, { saveHistory: true }),
    },
    {
      what: 'expiry: touch',
      operations: batch,
      run: () => {
        for (let at = 0; at < batch; at += 1) channel.touch();
      },
    },
  ];
}
