/**
 * `npm run bench:stuck`: what 1 % of members that do not read cost those that do. Two servers with a group of 5 000 each, one of
 * them with 50 members stuck, are published to in turn; of each round the p99 of all deliveries to healthy members, and at
 * the end the median of the rounds' ratios. Exit code 1 beyond the bound.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '9' },
    publishes: { type: 'string', default: '10' },
    dist: { type: 'string', default: new URL('../../dist/', import.meta.url).href },
  },
});
const members = Number(values.members);
const stuck = Math.ceil(members / 100);
const bytes = 2048;
/** How much later than without them 99 of 100 deliveries may come. */
const ratioMax = 1.5;

class Side {
  latenciesMs = [];
  #sockets = [];

  static async open(stuckCount) {
    const side = new Side();
    side.child = fork(new URL('server.mjs', import.meta.url), [values.dist]);
    const [{ port }] = await once(side.child, 'message');
    for (let at = 0; at < members; at += 1) {
      const socket = await handshaken(port);
      side.#sockets.push(socket);
      if (at < stuckCount) socket.pause();
      else side.#count(socket);
    }
    side.healthy = members - stuckCount;
    return side;
  }

  /** Publishes once and waits until every healthy member has it. */
  async publish() {
    this.#awaited = this.healthy;
    const told = once(this.child, 'message');
    const all = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.child.send({ bytes });
    const [delivery] = await told;
    await all;
    return delivery;
  }

  end() {
    for (const socket of this.#sockets) socket.destroy();
    this.child.disconnect();
  }

  #awaited = 0;
  #tell = () => {};

  /** Every message is one frame of a known length: its first bytes say when it was sent. */
  #count(socket) {
    const frameBytes = bytes + 4;
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (; rest.byteLength >= frameBytes; rest = rest.subarray(frameBytes)) {
        this.latenciesMs.push(Number(process.hrtime.bigint() - BigInt(rest.latin1Slice(5, 25))) / 1e6);
        this.#awaited -= 1;
        if (this.#awaited === 0) this.#tell();
      }
    });
  }
}

async function handshaken(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const [answer] = await once(socket, 'data');
  if (!String(answer).startsWith('HTTP/1.1 101')) throw new Error(`no handshake: ${answer}`);
  return socket;
}

const p99 = (list) => list.toSorted((one, other) => one - other)[Math.ceil(list.length * 0.99) - 1];
const median = (list) => list.toSorted((one, other) => one - other)[list.length >> 1];

const sides = { without: await Side.open(0), with: await Side.open(stuck) };
// Until their kernel's buffers are full, those who do not read are not stuck.
let dropped = 0;
for (let wave = 0; wave < 5_000 && dropped < stuck; wave += 1) ({ dropped } = await sides.with.publish());
if (dropped < stuck) throw new Error(`only ${dropped} of ${stuck} members are stuck`);
await sides.without.publish();

const ratios = [];
console.log(`${members} members, ${stuck} of them stuck on one side, ${bytes} bytes; p99 of a round in ms`);
for (let round = 0; round < Number(values.rounds); round += 1) {
  const figures = {};
  const order = round % 2 === 0 ? ['without', 'with'] : ['with', 'without'];
  for (const name of order) {
    sides[name].latenciesMs = [];
    for (let at = 0; at < Number(values.publishes); at += 1) await sides[name].publish();
    figures[name] = p99(sides[name].latenciesMs);
  }
  ratios.push(figures.with / figures.without);
  console.log(
    `without ${figures.without.toFixed(1)}  with ${figures.with.toFixed(1)}  ratio ${ratios.at(-1).toFixed(3)}`,
  );
}
for (const side of Object.values(sides)) side.end();
console.log(`median ratio ${median(ratios).toFixed(3)}, bound ${ratioMax}`);
process.exitCode = median(ratios) <= ratioMax ? 0 : 1;
