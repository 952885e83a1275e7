import { App, consumer } from 'channelbox';
import { testApp, type TestClient } from 'channelbox/testing';
import { seeded } from '../../src/random.ts';

/** What a schedule may do, and how often in a hundred. */
const shares = {
  send: 24,
  advance: 14,
  pause: 12,
  resume: 12,
  push: 10,
  'long advance': 8,
  close: 6,
  drop: 6,
  kick: 5,
  large: 3,
} as const;

export type StepKind = keyof typeof shares;
export const stepKinds = Object.keys(shares) as StepKind[];

interface Step {
  readonly kind: StepKind;
  readonly who: number;
  /** From 0 to below 1, for whatever the step has to choose. */
  readonly choice: number;
}

const clientCount = 3;

/** The steps of a seed. */
export function scheduleOf(seed: number): Step[] {
  const random = seeded(seed);
  const words = stepKinds.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind));
  const pick = (): StepKind => words[Math.floor(random() * words.length)] as StepKind;
  return Array.from({ length: 8 + Math.floor(random() * 8) }, () => ({
    kind: pick(),
    who: Math.floor(random() * clientCount),
    choice: random(),
  }));
}

/** A room whose members hear each other, do as they are told, and leave after a minute without a word. */
function room(left: string[]): App {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return new App({ logger: quiet }).addWsRoute(
    consumer('/room/{name}', {
      encoding: 'text',
      expires: 60,
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup('room');
      },
      async onReceive(ws, said: string) {
        const [order, ...rest] = said.split(' ');
        if (order === 'kick') await ws.close(Number(rest[0]), 'kicked');
        else if (order === 'push') for (let at = 0; at < Number(rest[0]); at += 1) await this.send(`push ${at}`);
        else await this.broadcast(`${ws.params.name}: ${said.length > 100 ? said.length : said}`, 'room');
      },
      onDisconnect(ws, code) {
        left.push(`${ws.params.name} left with ${code}`);
      },
    }),
  );
}

/** Plays the steps, and writes down what everybody saw. */
export async function transcriptOf(transport: 'memory' | 'tcp', steps: readonly Step[]): Promise<string> {
  const log: string[] = [];
  const left: string[] = [];
  const t = testApp(room(left), { transport });
  const clients: TestClient[] = [];
  for (let at = 0; at < clientCount; at += 1) clients.push(await t.connect(`/room/${at}`));
  const closing: Promise<void>[] = [];
  const acts: Readonly<Record<StepKind, (client: TestClient, choice: number) => Promise<void> | void>> = {
    send: (client, choice) => client.sendText(`said ${Math.floor(choice * 100)}`),
    large: (client, choice) => client.sendText('x'.repeat(Math.floor(choice * 200_000))),
    push: (client, choice) => client.sendText(`push ${1 + Math.floor(choice * 20)}`),
    kick: (client, choice) => client.sendText(`kick ${[1000, 1013, 4408, 4999][Math.floor(choice * 4)]}`),
    advance: (_, choice) => t.clock.advance(Math.floor(choice * 5_000)),
    'long advance': (_, choice) => t.clock.advance(Math.floor(30_000 + choice * 60_000)),
    pause: (client) => client.pause(),
    resume: (client) => client.resume(),
    drop: (client) => client.drop(),
    close: (client, choice) => {
      closing.push(client.close(...([[], [1000], [4000, 'bye']][Math.floor(choice * 3)] as [])));
    },
  };
  for (const { kind, who, choice } of steps) {
    await acts[kind](clients[who] as TestClient, choice);
    await t.settle();
    // Of one moment and several connections: libuv closes the last socket first.
    log.push(...left.splice(0).toSorted());
    log.push(`${kind} ${who}: ${clients.map(({ isOpen }) => (isOpen ? 'open' : 'over')).join(' ')}`);
  }
  for (const client of clients) client.resume();
  await t.settle();
  const seen = [...log, ...clients.map(({ transcript }) => String(transcript))].join('\n');
  await t.close();
  await Promise.all(closing);
  return seen;
}

interface Difference {
  readonly seed: number;
  readonly memory: string;
  readonly tcp: string;
}

/** The first line that two transports do not share, with the lines before it. */
export function firstDifference([first]: readonly Difference[]): string | undefined {
  if (first === undefined) return undefined;
  const [memory, tcp] = [first.memory.split('\n'), first.tcp.split('\n')];
  const at = memory.findIndex((line, index) => line !== tcp[index]);
  const cut = (lines: readonly string[]): string => lines.map((line) => line.slice(0, 100)).join('\n');
  return `seed ${first.seed}, after\n${cut(memory.slice(0, at))}\nmemory: ${cut(memory.slice(at, at + 3))}\ntcp: ${cut(tcp.slice(at, at + 3))}`;
}

/** Compares both transports over the schedules of many seeds. */
export async function compareSeeds(
  seeds: readonly number[],
): Promise<{ counts: Record<string, number>; differing: Difference[] }> {
  const counts: Record<string, number> = {};
  const differing: Difference[] = [];
  for (const seed of seeds) {
    const steps = scheduleOf(seed);
    for (const { kind } of steps) counts[kind] = (counts[kind] ?? 0) + 1;
    const played = (transport: 'memory' | 'tcp'): Promise<string> =>
      transcriptOf(transport, steps).catch((error: Error) => `seed ${seed} over ${transport}: ${error.message}`);
    const [memory, tcp] = [await played('memory'), await played('tcp')];
    if (memory !== tcp) differing.push({ seed, memory, tcp });
  }
  return { counts, differing };
}
