import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { groupsOf, listening } from './upgraded.mjs';

const hourMs = 3_600_000;

/** channelbox as built; with `joins: false` its transport writes each frame by itself. */
export async function serve({ role, dist, joins = true, compression = false, usesSend = false }) {
  const load = (path) => import(pathToFileURL(resolve(dist, path)).href);
  const { App, consumer } = await load('src/index.js');
  const app = new App({ compression, limits: { heartbeatMs: hourMs, heartbeatTimeoutMs: hourMs } });
  app.addWsRoute(consumer('/bench', hooksOf(role)));
  const server = createServer();
  if (joins && !usesSend) app.attach(server);
  else {
    const { NodeTransport } = await load('src/transport/node.js');
    const host = {
      turn: app.channelBox.scheduler.turn,
      handle: (upgrade) => app.handle(upgrade),
      matches: () => true,
    };
    new NodeTransport(host, { joins, forcesWs: usesSend, compression }).attach(server);
  }
  return {
    port: await listening(server),
    publish: (name, message) => void app.channelBox.groupSend(name, message),
  };
}

function hooksOf(role) {
  if (role === 'idle') return {};
  const onConnect = async (ws) => {
    await ws.accept();
    for (const name of groupsOf(ws.url.search)) await ws.join(name);
  };
  if (role === 'echo') return { encoding: 'text', onReceive: (ws, text) => ws.sendText(text) };
  if (role === 'rooms') {
    return {
      encoding: 'json',
      onConnect,
      onReceive: (ws, message) => ws.channelBox.groupSend(message.group, message),
    };
  }
  return { encoding: 'json', onConnect };
}
