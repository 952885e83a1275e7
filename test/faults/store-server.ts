/** A server whose stores can be filled one by one, in a process of its own: it measures itself when it is asked to. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { App, ChannelBox, consumer, type AppOptions, type AppSnapshot } from '../../src/index.ts';

export interface Weighed {
  /** Heap and buffers, after collecting garbage. */
  readonly memoryBytes: number;
  /** What `inspect()` says of all stores. */
  readonly toldBytes: number;
  readonly snapshot: AppSnapshot;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const options = JSON.parse(process.argv[2] ?? '{}') as Pick<AppOptions, 'limits' | 'memoryBudgetBytes'>;
const channelBox = new ChannelBox({ historyTotalBytes: 64 * 1024 * 1024 });
const app = new App({ channelBox, ...options });

app.addWsRoute(consumer('/stuck', { onReceive: () => new Promise(() => {}) }));
app.addWsRoute(consumer('/idle', { onReceive() {} }));
app.addWsRoute(
  consumer('/echo', {
    encoding: 'text',
    onReceive(_ws, said) {
      return this.sendText(String(said));
    },
  }),
);
app.wsRoute('/full', async (ws) => {
  await ws.accept();
  void ws.sendBytes(new Uint8Array(8_000_000));
  await ws.receive();
});
app.wsRoute('/no', (ws) => ws.deny(new Response(new Uint8Array(8_000_000), { status: 403 })));
app.wsRoute('/slow', (ws) => new Promise((resolve) => ws.signal.addEventListener('abort', resolve)));

/** In groups of many small messages, of few large ones, and of one each. */
async function remember(): Promise<void> {
  for (let at = 0; at < 30_000; at += 1) {
    await channelBox.groupSend(`small ${at % 10}`, `message ${at}`, { saveHistory: true });
    if (at % 3 === 0) await channelBox.groupSend(`own ${at}`, 'x', { saveHistory: true });
    if (at % 2_000 === 0) await channelBox.groupSend('large', 'x'.repeat(500_000) + at, { saveHistory: true });
  }
}

function weigh(): Weighed {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const snapshot = app.inspect();
  const { bufferedBytes, inboundBytes, headerBytes, historyBytes } = snapshot;
  return {
    memoryBytes: heapUsed + external,
    toldBytes: bufferedBytes + inboundBytes + headerBytes + historyBytes,
    snapshot,
  };
}

process.on('message', (asked) => {
  if (asked === 'inspect') process.send?.(app.inspect());
  if (asked === 'weigh') process.send?.(weigh());
  if (asked === 'remember') void remember().then(() => process.send?.('remembered'));
  if (asked === 'forget') void channelBox.flushHistory().then(() => process.send?.('forgotten'));
});
process.once('disconnect', () => process.exit());
const { port } = await app.listen(0, '127.0.0.1');
process.send?.({ port });
