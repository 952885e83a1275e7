// One sample: so many clients over so many groups in one process, recording off; then each says one thing to its group.
import process from 'node:process';
import { App, ChannelBox, consumer } from '../../dist/src/index.js';
import { RunStage } from '../../dist/testing/simulator/run/stage.js';
import { Tape } from '../../dist/testing/simulator/tape/tape.js';
import { World } from '../../dist/testing/simulator/world/world.js';
import { calibration, cpuSeconds } from './calibration.mjs';

const [clients, groups] = process.argv.slice(2).map(Number);
const atOnce = 1_000;
const { gc } = globalThis;

const simulation = {
  system: () =>
    new App({ channelBox: new ChannelBox() }).addWsRoute(
      consumer('/group/{name}', {
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup(ws.params.name);
        },
        async onReceive(ws, data) {
          await this.broadcast(data, ws.params.name);
        },
      }),
    ),
  actions: {},
};
const world = new World({ tape: new Tape({ seed: 1 }), keeps: false });
const stage = new RunStage(world, simulation);
await world.perform(0, () => stage.bootAll(), true);

/** Does something with all clients, some at each instant, and lets all of it happen. */
async function forAll(act) {
  const start = cpuSeconds();
  for (let from = 0; from < clients; from += atOnce) {
    await world.perform(1, () => {
      for (let at = from; at < Math.min(clients, from + atOnce); at += 1) act(stage.client(`c${at + 1}`), at);
    });
    await world.runUntil(world.nowMs + 10);
  }
  return cpuSeconds() - start;
}

const before = calibration();
gc();
const emptyBytes = process.memoryUsage().heapUsed;
const connectS = await forAll((client, at) => client.connect(`/group/${at % groups}`));
const open = [...stage.clients.values()].filter(({ isOpen }) => isOpen).length;
if (open !== clients || stage.failure !== undefined) throw new Error(`${open} of ${clients} are there`);
const { deliveries: none } = world.record;
const deliverS = await forAll((client) => client.send('hello, everybody'));
const deliveries = world.record.deliveries - none;
gc();
const figures = {
  clients,
  groups,
  connectS,
  deliveries,
  deliverS,
  bytesPerClient: (process.memoryUsage().heapUsed - emptyBytes) / clients,
  rssMib: process.resourceUsage().maxRSS / 1_024,
  calibration: (before + calibration()) / 2,
};
process.stdout.write(JSON.stringify(figures));
