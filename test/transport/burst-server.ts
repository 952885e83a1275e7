/**
 * A program of its own, bundled and run under strace by system-calls.system.test.ts: once all members have joined it sends
 * bursts to them, one each turn, and ends when a line comes on standard input.
 */
import { App, consumer } from '../../src/index.ts';
import { turnEnds } from './turn-ends.ts';

const [members, turns, burst] = process.argv.slice(2).map(Number) as [number, number, number];
const app = new App();
let joined = 0;
app.addWsRoute(
  consumer('/', {
    async onConnect(ws) {
      await ws.accept();
      await ws.join('room');
      joined += 1;
      if (joined === members) await sendBursts();
    },
  }),
);

async function sendBursts(): Promise<void> {
  await turnEnds();
  process.stderr.write('begin\n');
  for (let turn = 0; turn < turns; turn += 1) {
    for (let at = 0; at < burst; at += 1) void app.channelBox.groupSend('room', { turn, at });
    await turnEnds();
  }
  process.stderr.write('end\n');
}

const { port } = await app.listen(0, '127.0.0.1');
process.stdout.write(`${port}\n`);
process.stdin.once('data', () => process.exit(0));
process.stdin.once('end', () => process.exit(0));
