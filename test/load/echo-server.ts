import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';

/** A server on plain `ws` that sends back what it receives. */
export interface EchoServer extends AsyncDisposable {
  readonly url: string;
  readonly sockets: ReadonlySet<WebSocket>;
}

export async function openEcho(
  options: ServerOptions & { onConnection?: (socket: WebSocket, request: IncomingMessage) => void } = {},
): Promise<EchoServer> {
  const { onConnection, ...rest } = options;
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...rest });
  server.on('connection', (socket, request) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, isBinary) => socket.send(isBinary ? data : data.toString()));
    onConnection?.(socket, request);
  });
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets: server.clients,
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
