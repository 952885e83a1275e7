/** The server of a soak, in a process of its own, so that its heap holds nothing of the clients: it measures itself when it is asked to. */
import { readdirSync } from 'node:fs';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SocketChannel } from '../../src/channel/channel.ts';
import { ConsumerRun } from '../../src/consumer/consumer-run.ts';
import { App, ChannelBox, consumer, type AppSnapshot } from '../../src/index.ts';
import { Inbox } from '../../src/socket/inbox.ts';
import { Connection } from '../../src/socket/connection.ts';
import { RequestView } from '../../src/handshake/request.ts';
import { NodeUpgrade } from '../../src/transport/node/upgrade.ts';
import { NodeWire } from '../../src/transport/node/node-wire.ts';
import { UpgradeRequest } from '../../src/transport/node/upgrade-request.ts';

export interface Measured {
  /** After collecting garbage. */
  readonly heldBytes: number;
  readonly descriptors: number;
  readonly timers: number;
  readonly listeners: number;
  readonly snapshot: AppSnapshot;
  /** Of each class of which every connection has one: how many are left. */
  readonly objects: Readonly<Record<string, number>>;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const perConnection = {
  Connection,
  Inbox,
  SocketChannel,
  ConsumerRun,
  RequestView,
  NodeUpgrade,
  NodeWire,
  UpgradeRequest,
};

// Small bounds: what history keeps is full long before the first tenth is over.
const app = new App({ channelBox: new ChannelBox({ historyCount: 50, historySize: 16_384 }) });
app.addWsRoute(
  consumer('/room/{name}', {
    encoding: 'json',
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup(ws.params.name);
      await ws.channel.setMetadata({ host: ws.headers.get('host'), signal: ws.signal.aborted });
    },
    async onReceive(ws, said) {
      await this.broadcast(said, ws.params.name, { saveHistory: true });
    },
  }),
);

process.on('message', (asked) => {
  if (asked === 'inspect') process.send?.(app.inspect());
  if (asked === 'measure') process.send?.(measure());
});
process.once('disconnect', () => process.exit());
const { port } = await app.listen(0, '127.0.0.1');
process.send?.({ port });

function measure(): Measured {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return {
    heldBytes: heapUsed + external,
    descriptors: readdirSync('/proc/self/fd').length,
    timers: process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    snapshot: app.inspect(),
    objects: Object.fromEntries(Object.entries(perConnection).map(([name, type]) => [name, countOf(type)])),
  };
}

function countOf(type: abstract new (...args: never[]) => object): number {
  return queryObjects(type as never, { format: 'count' }) as unknown as number;
}
