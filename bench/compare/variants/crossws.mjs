import { createServer } from 'node:http';
import nodeAdapter from 'crossws/adapters/node';
import { groupsOf, listening } from './upgraded.mjs';

/** crossws on Node: its topics, `publish` on its adapter; its idle timeout off. */
export async function serve({ role, compression = false }) {
  const adapter = nodeAdapter({
    idleTimeout: 0,
    serverOptions: { perMessageDeflate: compression ? { serverNoContextTakeover: true } : false },
    hooks: {
      open(peer) {
        for (const name of groupsOf(peer.request.url)) peer.subscribe(name);
      },
      message(peer, message) {
        if (role === 'echo') peer.send(message.text());
        if (role === 'rooms') {
          const data = message.json();
          adapter.publish(data.group, data);
        }
      },
    },
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => void adapter.handleUpgrade(request, socket, head));
  // A string once, as Bun and uWebSockets users do; an object would be encoded by crossws itself.
  return { port: await listening(server), publish: (name, message) => adapter.publish(name, JSON.stringify(message)) };
}
