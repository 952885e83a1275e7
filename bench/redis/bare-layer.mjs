/** The least that a layer can do: what the framework costs beside the bare program, and the Redis layer beside both. */
import { command, connected } from './bare.mjs';

const nobody = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };
const nothing = { entries: [], recovered: false, position: { epoch: '', offset: 0 } };

/** Says PUBLISH, and hands on each push as it comes. It knows nothing of history, members, losses or reconnecting. */
export async function bareLayer(url, prefix) {
  const [commands, pushes] = await Promise.all([connected(url), connected(url)]);
  commands.resume();
  return {
    node: String(process.pid),
    historyBytes: 0,
    open: ({ local }) => void pushes.on('data', (bytes) => onPush(bytes, prefix, local)),
    publish: async (group, { payload }) => {
      commands.write(command('PUBLISH', `${prefix}${group}`, payload.text));
      return { counts: nobody, nodes: 1, exists: true };
    },
    subscribe: (group) => void pushes.write(command('SUBSCRIBE', `${prefix}${group}`)),
    unsubscribe: () => {},
    members: () => [],
    groups: () => new Map(),
    send: () => 'closed',
    closeChannels: () => 0,
    history: () => nothing,
    historyGroups: () => [],
    flushHistory: () => {},
    close: async () => {},
  };
}

/** As in the bare program. */
function onPush(bytes, prefix, local) {
  const lines = bytes.latin1Slice().split('\r\n');
  for (let at = 0; at + 6 < lines.length; at += 7) {
    if (lines[at + 2] !== 'message') {
      at -= 1;
      continue;
    }
    const message = { payload: { kind: 'string', text: lines[at + 6] }, except: [], save: false };
    local.deliver(lines[at + 4].slice(prefix.length), message, undefined);
  }
}
