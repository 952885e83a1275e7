/** One group, published to on request; slow members lose messages and stay. Ends with the process that started it. */
const [dist] = process.argv.slice(2);
const { App, consumer } = await import(new URL(`src/index.js`, dist).href);

const app = new App({ limits: { slowConsumer: 'drop', heartbeatMs: 3_600_000 } });
app.addWsRoute(
  consumer('/', {
    expires: null,
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup('room');
    },
  }),
);

async function publish(bytes) {
  const sentNs = process.hrtime.bigint().toString().padStart(20, '0');
  const { members, dropped } = await app.channelBox.groupSend('room', `${sentNs}${'x'.repeat(bytes - 22)}`);
  process.send({ members, dropped });
}

process.on('message', ({ bytes }) => void publish(bytes));
process.once('disconnect', () => process.exit());
const { port } = await app.listen(0, '127.0.0.1');
process.send({ port });
