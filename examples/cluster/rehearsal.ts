/** The rehearsal has people chat in a cluster while it restarts and loses a process, and counts what each of them got. */
import { setTimeout } from 'node:timers/promises';
import { constant, load, uniform, type Adapter, type LoadOptions, type RunReport } from 'channelbox/load';

interface ChatFrame {
  readonly type?: string;
  readonly message?: string;
  readonly messages?: readonly ChatFrame[];
  /** Of what is saved, and of a page. */
  readonly position?: string;
}

const clients = 60;
const quietMs = 3_000;

/** Comes back as the chat's page does: with the position of the last thing that it has. */
const chat: Adapter = {
  path: ({ room, index }) => `/room/${encodeURIComponent(room)}?username=client-${index}`,
  isJoined: (frame) => read(frame).type === 'history',
  publish: (stamp) => JSON.stringify({ type: 'message', content: stamp }),
  stampOf(frame) {
    const { type, message, messages = [] } = read(frame);
    if (type === 'history') return messages.map((one) => one.message ?? '');
    return type === 'chat' ? message : undefined;
  },
  kindOf: (frame) => read(frame).type ?? 'other',
  resume(client, last) {
    const position = last === undefined ? undefined : read(last).position;
    return position === undefined ? {} : { path: `${chat.path(client)}&since=${encodeURIComponent(position)}` };
  },
};

/** A page that asks for nothing that it missed, and takes nothing of what it is shown on coming back. */
const { resume: _, ...plain } = chat;
const forgetful: Adapter = {
  ...plain,
  path: ({ room, index }) => `/room/${encodeURIComponent(`there-${room}`)}?username=client-${index}`,
  stampOf: (frame) => (read(frame).type === 'chat' ? read(frame).message : undefined),
};

/** The same page, whose losses are counted across its reconnects all the same. */
const counted: Adapter = {
  ...forgetful,
  path: ({ room, index }) => `/room/${encodeURIComponent(`away-${room}`)}?username=client-${index}`,
  resume: () => ({}),
};

interface Deeds {
  readonly restart: () => Promise<void>;
  readonly kill: () => Promise<void>;
}

/** @returns the exit code: 0 where nobody lost a message and nobody got one twice */
export async function rehearse(target: string, deeds: Deeds): Promise<number> {
  const [result] = await underLoad([runOf(target, chat, clients)], deeds);
  const { lost, isWell, ...found } = foundIn(result);
  process.stdout.write(`${JSON.stringify({ ...found, lost, allBackMs: result?.reconnects?.all })}\n`);
  return isWell && lost === 0 ? 0 : 1;
}

/**
 * The same without `resume`, which is at most once: who is there misses nothing, who is away what is said meanwhile. Two
 * halves of the people show the two: of one it is judged what they were there for, of the other everything is counted.
 * @returns the exit code: 0 where nobody lost a message that they were there for, and nobody got one twice
 */
export async function rehearseWithoutResume(target: string, deeds: Deeds): Promise<number> {
  const halves = [forgetful, counted].map((adapter) => runOf(target, adapter, clients / 2));
  const results = await underLoad(halves, deeds);
  const [there, away] = results.map(foundIn);
  if (there === undefined || away === undefined) return 1;
  const { expected, reconnected } = away;
  process.stdout.write(`${JSON.stringify({ there, away })}\n`);
  process.stdout.write(
    `without resume: of those who were there for it nobody lost a message; ${reconnected} people who were away for a moment lost ${away.lost} of ${expected}\n`,
  );
  return there.isWell && away.isWell && there.lost === 0 ? 0 : 1;
}

type Run = (options: LoadOptions) => Promise<RunReport>;

function runOf(target: string, adapter: Adapter, people: number): Run {
  return (options) =>
    load(
      {
        target,
        adapter,
        clients: people,
        rooms: uniform(people / 6),
        schedule: constant(1),
        duration: '5m',
        deadline: '5s',
        reconnects: { backoff: '500ms' },
      },
      options,
    );
}

/** Some quiet, a rolling restart, a process killed. */
async function underLoad(runs: readonly Run[], { restart, kill }: Deeds): Promise<RunReport[]> {
  let elapsedMs = 0;
  const enough = new AbortController();
  const running = runs.map((run) =>
    run({ signal: enough.signal, onProgress: (progress) => (elapsedMs = progress.elapsedMs) }),
  );
  const pass = async (ms: number): Promise<void> => {
    const untilMs = elapsedMs + ms;
    while (elapsedMs < untilMs) await setTimeout(100);
  };
  await pass(quietMs);
  process.stdout.write('a rolling restart\n');
  await restart();
  await pass(quietMs);
  process.stdout.write('a process is killed\n');
  await kill();
  await pass(2 * quietMs);
  enough.abort();
  return Promise.all(running);
}

/** Well is a run in which something was proved, somebody came back, and nothing is wrong besides what is lost. */
function foundIn(result: RunReport | undefined) {
  if (result === undefined) throw new Error('there was no run');
  const { expected, received, lost, duplicated, reordered, misrouted } = result.ledger;
  const { reconnected, dropped, refused } = result.clients;
  const isWell = expected > 0 && reconnected > 0 && duplicated + reordered + misrouted + dropped + refused === 0;
  return { expected, received, lost, duplicated, reordered, misrouted, reconnected, dropped, refused, isWell };
}

function read(frame: string | Uint8Array): ChatFrame {
  return JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString()) as ChatFrame;
}
