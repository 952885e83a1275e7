/** A server in a process of its own, for faults that a process meets: bundled and run by `server-process.ts`. */
import { App, consumer, type Limits } from '../../src/index.ts';

const limits = JSON.parse(process.argv[2] ?? '{}') as Partial<Limits>;
const app = new App({ limits, logger: { debug: () => {}, info: () => {}, warn: () => {}, error: console.error } });
app.addWsRoute(
  consumer('/room/{name}', {
    encoding: 'text',
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup(ws.params.name);
    },
    async onReceive(ws, said) {
      await this.broadcast(said, ws.params.name);
    },
  }),
);
process.on('message', (asked) => {
  if (asked === 'inspect') process.send?.(app.inspect());
});
process.once('disconnect', () => process.exit());
const { port } = await app.listen(0, '127.0.0.1');
process.send?.({ port });
