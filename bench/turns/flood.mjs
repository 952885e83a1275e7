/** Sends small frames as fast as the server reads them: `<port>`. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const [port] = process.argv.slice(2);
const socket = connect(Number(port), '127.0.0.1');
const key = randomBytes(16).toString('base64');
socket.write(
  `GET /x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
);
await new Promise((resolve) => socket.once('data', resolve));
// "f", masked with zeros.
const chunk = Buffer.concat(Array.from({ length: 8_192 }, () => Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x66])));
process.send('flooding');
const pour = () => {
  while (socket.write(chunk));
};
socket.on('drain', pour);
socket.on('error', () => process.exit(0));
pour();
