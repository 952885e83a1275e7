/** Asks every 5 ms, one at a time, and tells the p99 of its round trips in milliseconds: `<port> <seconds>`. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const [port, seconds] = process.argv.slice(2);
const socket = new WebSocket(`ws://127.0.0.1:${port}/x`, { perMessageDeflate: false });
await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
const tripsMs = [];
const endMs = performance.now() + Number(seconds) * 1000;
while (performance.now() < endMs) {
  const beganMs = performance.now();
  await new Promise((resolve) => {
    socket.once('message', resolve);
    socket.send('ping');
  });
  tripsMs.push(performance.now() - beganMs);
  await pause(5);
}
tripsMs.sort((one, other) => one - other);
process.send({ p99: tripsMs[Math.floor(tripsMs.length * 0.99)], trips: tripsMs.length });
