import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Upgrade, UpgradeAnswer } from 'channelbox';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { SystemClock } from '../../src/time/clock.ts';
import { NodeTransport, type NodeTransportOptions } from '../../src/transport/node/node.ts';
import { Turn } from '../../src/time/turn.ts';
import { handshake } from '../hostile/raw-client.ts';

const answer: UpgradeAnswer = {
  subprotocol: 'v2.chat',
  headers: [
    ['Set-Cookie', 'a=b; Path=/'],
    ['X-Name', 'é'],
  ],
};
const offers = { 'Sec-WebSocket-Protocol': 'v1.chat, v2.chat' };
const deflate = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };

afterEach(() => void vi.restoreAllMocks());

/** What comes back, as it stands on the network, up to the end of the answer's head. */
async function answered(request: string, options: NodeTransportOptions = {}, given = answer): Promise<string> {
  const server = createServer();
  const accepted: Promise<unknown>[] = [];
  const handle = (upgrade: Upgrade): void => void accepted.push(upgrade.accept(given));
  new NodeTransport({ handle, matches: () => true, turn: new Turn(new SystemClock()) }, options).attach(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  try {
    socket.write(request);
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('\r\n\r\n')) break;
    }
    await Promise.all(accepted);
    return text;
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('a handshake', () => {
  test.each([
    ['that offers nothing', {}, {}],
    ['that offers subprotocols, one of them chosen, with headers', offers, answer],
    ['that offers compression to a server without', { ...offers, ...deflate }, answer],
  ])('%s is answered byte for byte as ws does it', async (_name, changes, given) => {
    const request = handshake('GET / HTTP/1.1', changes);
    const byWs = await answered(request, { forcesWs: true }, given);
    const handled = vi.spyOn(WebSocketServer.prototype, 'handleUpgrade');
    expect(await answered(request, {}, given)).toBe(byWs);
    expect(handled).not.toHaveBeenCalled();
    expect(byWs).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
  });

  test('is left to ws where compression is to be agreed on', async () => {
    const handled = vi.spyOn(WebSocketServer.prototype, 'handleUpgrade');
    const text = await answered(handshake('GET / HTTP/1.1', deflate), { compression: true }, {});
    expect(handled).toHaveBeenCalledOnce();
    expect(text).toContain('Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover');
  });

  test('that another library has answered already is an error that says so, and its socket lives on', async () => {
    const server = createServer();
    const greeter = new WebSocketServer({ noServer: true });
    const outcomes: Promise<unknown>[] = [];
    const handle = (upgrade: Upgrade): void => {
      const request = upgrade.request as IncomingMessage;
      greeter.handleUpgrade(request, request.socket, Buffer.alloc(0), (greeted) => greeted.send('hello'));
      outcomes.push(upgrade.accept({}).catch((error: unknown) => error));
    };
    new NodeTransport({ handle, matches: () => true, turn: new Turn(new SystemClock()) }).attach(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(handshake('GET / HTTP/1.1'));
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('hello')) break;
    }
    expect(await outcomes[0]).toMatchObject({
      message: expect.stringContaining('more than once with the same socket'),
    });
    expect(text.match(/101 Switching Protocols/g)).toHaveLength(1);
    greeter.close();
    server.close();
  });
});
