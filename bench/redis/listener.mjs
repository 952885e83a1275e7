/** Another node, in a process of its own: `node listener.mjs <redis url> <prefix>`. Says when each message was delivered. */
import { subscriber } from './bare.mjs';
import { Node } from './node.mjs';

const [url, prefix] = process.argv.slice(2);
const node = new Node(url, prefix);
// Both processes read the same clock of the machine.
const tell = () => process.send({ at: String(process.hrtime.bigint()) });
node.onDeliver = tell;
await node.opening;
await node.join('far');
// Beside it the least that can hear.
await subscriber(url, `${prefix} far`, tell);
process.send({ ready: true });
process.on('message', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
