/** The rehearsal has people chat in a cluster while it restarts and loses a process, and counts what each of them got. */
import { setTimeout } from 'node:timers/promises';
import { constant, load, uniform, type Adapter } from 'channelbox/load';

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

/** @returns the exit code: 0 where nobody lost a message and nobody got one twice */
export async function rehearse(
  target: string,
  { restart, kill }: { readonly restart: () => Promise<void>; readonly kill: () => Promise<void> },
): Promise<number> {
  let elapsedMs = 0;
  const enough = new AbortController();
  const running = load(
    {
      target,
      adapter: chat,
      clients,
      rooms: uniform(10),
      schedule: constant(1),
      duration: '5m',
      deadline: '5s',
      reconnects: { backoff: '500ms' },
    },
    { signal: enough.signal, onProgress: (progress) => (elapsedMs = progress.elapsedMs) },
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
  const { ledger, clients: people, reconnects } = await running;
  const { expected, received, lost, duplicated, reordered, misrouted } = ledger;
  const { reconnected, dropped, refused } = people;
  const found = { expected, received, lost, duplicated, reordered, misrouted, reconnected, dropped, refused };
  process.stdout.write(`${JSON.stringify({ ...found, allBackMs: reconnects?.all })}\n`);
  const isWhole = expected > 0 && lost + duplicated + reordered + misrouted + dropped + refused === 0;
  return isWhole && reconnected > 0 ? 0 : 1;
}

function read(frame: string | Uint8Array): ChatFrame {
  return JSON.parse(typeof frame === 'string' ? frame : Buffer.from(frame).toString()) as ChatFrame;
}
