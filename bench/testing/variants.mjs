// One test in each kit: connect, one message each way, end. Each is a function that runs one test.
import { createServer } from 'node:http';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const dist = process.env.BENCH_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
const distOf = (path) => pathToFileURL(`${dist}/${path}/index.js`).href;
const { App } = await import(distOf('src'));

function echo() {
  return new App().wsRoute('/echo', async (ws) => {
    await ws.accept();
    for await (const { data } of ws) await ws.send(data);
  });
}

async function kit(transport) {
  const { testApp } = await import(distOf('testing'));
  return async () => {
    const t = testApp(echo(), { transport });
    const client = await t.connect('/echo');
    client.send('hi');
    await client.expect('hi');
    await t.close();
  };
}

/** What a test over the loopback is without a kit: a server on a free port and npm ws. */
async function loopback() {
  const { WebSocket } = await import('ws');
  return async () => {
    const app = echo();
    const { port } = await app.listen(0, '127.0.0.1');
    const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, { perMessageDeflate: false });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answer = new Promise((resolve) => {
      socket.once('message', (data) => resolve(textOf(data)));
    });
    socket.send('hi');
    same(await answer);
    const closed = new Promise((resolve) => {
      socket.once('close', resolve);
    });
    socket.close();
    await closed;
    await app.close();
  };
}

/** A faked server for client code: no handshake, no server of one's own. */
async function mockSocket() {
  const { WS } = await import('vitest-websocket-mock');
  const { WebSocket } = await import('mock-socket');
  return async () => {
    const server = new WS('ws://localhost:1234/echo');
    const client = new WebSocket('ws://localhost:1234/echo');
    await server.connected;
    const answer = new Promise((resolve) => {
      client.addEventListener('message', (event) => resolve(event.data));
    });
    client.send('hi');
    server.send(await server.nextMessage);
    same(await answer);
    client.close();
    await server.closed;
    WS.clean();
  };
}

async function injectWS() {
  const { default: fastify } = await import('fastify');
  const { default: websocket } = await import('@fastify/websocket');
  return async () => {
    const app = fastify();
    await app.register(websocket);
    app.get('/echo', { websocket: true }, (socket) => {
      socket.on('message', (data) => socket.send(textOf(data)));
    });
    await app.ready();
    const client = await app.injectWS('/echo');
    const answer = new Promise((resolve) => {
      client.once('message', (data) => resolve(textOf(data)));
    });
    client.send('hi');
    same(await answer);
    client.terminate();
    await app.close();
  };
}

async function superwstest() {
  const { default: request } = await import('superwstest');
  const { WebSocketServer } = await import('ws');
  return async () => {
    const server = createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(textOf(data)));
    });
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    await request(server).ws('/echo').sendText('hi').expectText('hi').close().expectClosed();
    sockets.close();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
}

/** Of a frame as npm ws hands it over. */
function textOf(data) {
  return Buffer.concat([data].flat()).toString();
}

function same(answer) {
  if (answer !== 'hi') throw new Error(`the answer is ${JSON.stringify(answer)}`);
}

/** `shakes`: a real handshake, in which a server of one's own takes part. */
export const variants = {
  'channelbox, memory': { make: () => kit('memory'), shakes: true },
  'channelbox, tcp': { make: () => kit('tcp'), shakes: true },
  'ws over loopback, by hand': { make: loopback, shakes: true },
  'mock-socket + vitest-websocket-mock': { make: mockSocket, shakes: false, isPeer: true },
  '@fastify/websocket injectWS': { make: injectWS, shakes: true, isPeer: true },
  superwstest: { make: superwstest, shakes: true, isPeer: true },
};
