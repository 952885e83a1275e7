import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { clientFrame, FrameCounter } from './frame.mjs';
import { onLines, say } from './lines.mjs';
import { messagesOf } from './messages.mjs';

/**
 * All clients of one server: bare sockets into one shared buffer, frames counted by their headers. No message is made
 * a string, so that the client needs far less CPU than the server it faces.
 */
const shared = Buffer.allocUnsafe(256 * 1024);
const connections = [];
const counted = { frames: 0, awaited: Infinity, tell: () => {} };

class Connection {
  #counter = new FrameCounter();
  #answer = '';
  #steps;
  #opened;
  onFrames = (frames) => {
    counted.frames += frames;
    if (counted.frames >= counted.awaited) counted.tell();
  };

  constructor(port, { target, protocol, deflate, groups }) {
    this.groups = groups;
    this.isOpen = new Promise((resolve, reject) => {
      this.#opened = resolve;
      this.socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer: shared, callback: (bytes) => this.#read(bytes) },
      });
      this.socket.on('error', reject);
    });
    // Engine.IO opens with a packet of its own, then the namespace is asked for and granted.
    this.#steps = protocol === 'socket.io' ? [() => this.socket.write(clientFrame('40')), () => this.#open()] : [];
    const extensions = deflate ? 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' : '';
    this.socket.write(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${extensions}\r\n`,
    );
  }

  #read(bytes) {
    let start = 0;
    if (this.#answer !== undefined) {
      this.#answer += shared.latin1Slice(0, bytes);
      const end = this.#answer.indexOf('\r\n\r\n');
      if (end < 0) return true;
      if (!this.#answer.startsWith('HTTP/1.1 101')) throw new Error(`no handshake: ${this.#answer.slice(0, 200)}`);
      start = bytes - (this.#answer.length - end - 4);
      this.#answer = undefined;
      if (this.#steps.length === 0) this.#open();
    }
    const frames = this.#counter.push(shared, start, bytes);
    if (frames === 0) return true;
    if (this.#steps.length > 0) for (let at = 0; at < frames; at += 1) this.#steps.shift()?.();
    else this.onFrames(frames);
    return true;
  }

  #open() {
    this.#opened();
  }
}

function textOf(message, protocol) {
  return protocol === 'socket.io' ? `42${JSON.stringify(['m', message])}` : JSON.stringify(message);
}

const orders = {
  /** 50 at a time, so that no backlog overflows. */
  async connect({ port, count, protocol, deflate = false, groups = [] }) {
    const until = connections.length + count;
    while (connections.length < until) {
      const batch = Array.from({ length: Math.min(50, until - connections.length) }, () => {
        const mine = groups.length === 0 ? [] : groups[connections.length % groups.length];
        const query = mine.length === 0 ? '' : `groups=${mine.join(',')}`;
        const path = protocol === 'socket.io' ? `/socket.io/?EIO=4&transport=websocket&${query}` : `/bench?${query}`;
        const connection = new Connection(port, { target: path, protocol, deflate, groups: mine });
        connections.push(connection);
        return connection.isOpen;
      });
      await Promise.all(batch);
    }
    say({ did: 'connect' });
  },
  /** The last so many read nothing from now on. */
  stall({ count }) {
    for (const { socket } of connections.slice(-count)) socket.pause();
    say({ did: 'stall' });
  },
  expect({ frames }) {
    counted.awaited = frames;
    counted.frames = 0;
    counted.tell = () => {
      counted.awaited = Infinity;
      say({ did: 'expect' });
    };
  },
  async echo({ messages, inFlight, protocol, bytes }) {
    const frame = clientFrame(textOf(messagesOf(bytes, { count: 1 })[0], protocol));
    const burst = Buffer.concat(Array.from({ length: inFlight }, () => frame));
    const tripsUs = [];
    const startedUs = performance.now() * 1000;
    let toSend = messages - connections.length * inFlight;
    let left = messages;
    await new Promise((resolve) => {
      for (const connection of connections) {
        const { socket } = connection;
        let sentUs = performance.now() * 1000;
        connection.onFrames = (frames) => {
          left -= frames;
          const nowUs = performance.now() * 1000;
          if (connections.length === 1) tripsUs.push(nowUs - sentUs);
          sentUs = nowUs;
          const next = Math.min(frames, toSend);
          toSend -= next;
          if (next > 0) socket.write(next === inFlight ? burst : burst.subarray(0, next * frame.length));
          else if (left === 0) resolve();
        };
        socket.write(burst);
      }
    });
    const tookUs = performance.now() * 1000 - startedUs;
    tripsUs.sort((one, other) => one - other);
    say({ did: 'echo', tookUs, medianUs: tripsUs[tripsUs.length >> 1] ?? 0 });
  },
  /** Members speak all at once, each to one of its groups; the next round begins when everybody has heard everything. */
  async speak({ rounds, speakers, bytes, protocol, membersPerGroup }) {
    const frames = new Map();
    const frameFor = (group) => {
      if (!frames.has(group))
        frames.set(group, clientFrame(textOf(messagesOf(bytes, { count: 1, group })[0], protocol)));
      return frames.get(group);
    };
    const stride = Math.max(1, Math.floor(connections.length / speakers));
    for (let round = 0; round < rounds; round += 1) {
      await new Promise((resolve) => {
        counted.frames = 0;
        counted.awaited = speakers * membersPerGroup;
        counted.tell = resolve;
        for (let at = 0; at < speakers; at += 1) {
          const { socket, groups } = connections[(at * stride + round) % connections.length];
          socket.write(frameFor(groups[round % groups.length]));
        }
      });
    }
    counted.awaited = Infinity;
    say({ did: 'speak' });
  },
  mark() {
    const { user, system } = process.cpuUsage();
    say({ did: 'mark', user, system });
  },
  end: () => process.exit(0),
};

onLines(process.stdin, (order) => void orders[order.do](order));
process.stdin.on('end', () => process.exit(0));
