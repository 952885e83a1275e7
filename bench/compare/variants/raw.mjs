import { Buffer } from 'node:buffer';
import { serverFrame } from '../frame.mjs';
import { acceptSockets, Rooms } from './upgraded.mjs';

/** The floor: `net.Socket.write` of a frame made once. With `joins`, one write per socket and turn. */
export async function serve({ role, joins = false }) {
  const rooms = new Rooms();
  const pending = new Map();

  const publish = (name, message) => {
    const frame = serverFrame(JSON.stringify(message));
    if (!joins) {
      for (const socket of rooms.in(name)) socket.write(frame);
      return;
    }
    if (pending.size === 0) setImmediate(flush);
    if (pending.has(name)) pending.get(name).push(frame);
    else pending.set(name, [frame]);
  };

  const flush = () => {
    for (const [name, frames] of pending) {
      const joined = frames.length === 1 ? frames[0] : Buffer.concat(frames);
      for (const socket of rooms.in(name)) socket.write(joined);
    }
    pending.clear();
  };

  const port = await acceptSockets((socket, groups) => {
    rooms.join(socket, groups);
    socket.on('close', () => rooms.leave(socket));
    if (role === 'echo') readFrames(socket, (payload) => socket.write(echoFrame(payload)));
    else if (role === 'rooms') {
      readFrames(socket, (payload) => {
        const message = JSON.parse(payload.toString());
        publish(message.group, message);
      });
    } else socket.resume();
  });
  return { port, publish };
}

function echoFrame(payload) {
  const header = payload.length < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(header + payload.length);
  frame[0] = 0x81;
  if (header === 2) frame[1] = payload.length;
  else {
    frame[1] = 126;
    frame.writeUInt16BE(payload.length, 2);
  }
  payload.copy(frame, header);
  return frame;
}

/** The least that reads a client's frames: small, masked, never fragmented. */
function readFrames(socket, take) {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1] & 0x7f;
      const header = short < 126 ? 2 : 4;
      if (bytes.length - at < header + 4) break;
      const length = short < 126 ? short : bytes.readUInt16BE(at + 2);
      const start = at + header + 4;
      if (bytes.length < start + length) break;
      const payload = bytes.subarray(start, start + length);
      for (let offset = 0; offset < length; offset += 1) payload[offset] ^= bytes[start - 4 + (offset & 3)];
      take(payload);
      at = start + length;
    }
    rest = bytes.subarray(at);
  });
}
