import { groupsOf } from './upgraded.mjs';

/** Bun's own server; runs where `bun` is installed, and only there. */
export function serve({ role, compression = false }) {
  const server = globalThis.Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request, host) {
      const groups = groupsOf(request.url);
      return host.upgrade(request, { data: { groups } }) ? undefined : new Response(null, { status: 426 });
    },
    websocket: {
      perMessageDeflate: compression,
      idleTimeout: 0,
      sendPings: false,
      open(socket) {
        for (const name of socket.data.groups) socket.subscribe(name);
      },
      message(socket, text) {
        if (role === 'echo') socket.send(text);
        if (role === 'rooms') {
          const message = JSON.parse(text);
          server.publish(message.group, JSON.stringify(message));
        }
      },
    },
  });
  return { port: server.port, publish: (name, message) => server.publish(name, JSON.stringify(message)) };
}
