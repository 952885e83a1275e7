/** A server that drains on SIGTERM and then ends of itself, in a process of its own. */
import { App, consumer, type DrainReport } from '../../src/index.ts';

const withinMs = Number(process.argv[2]);
// Whatever of it a drain would have to wait out takes a minute, which no busy machine does.
const limits = {
  acceptTimeoutMs: 60_000,
  closeTimeoutMs: 60_000,
  handshakeTimeoutMs: 60_000,
  messageTimeoutMs: 60_000,
};
const app = new App({ limits, logger: { debug() {}, info() {}, warn() {}, error: console.error } });
app.addWsRoute(consumer('/idle', { onReceive() {} }));
app.addWsRoute(consumer('/stuck', { onReceive: () => new Promise(() => {}) }));
app.wsRoute('/full', async (ws) => {
  await ws.accept();
  void ws.sendBytes(new Uint8Array(32_000_000));
  await ws.receive();
});
app.wsRoute('/no', (ws) => ws.deny(new Response(new Uint8Array(32_000_000), { status: 403 })));
app.wsRoute('/slow', () => new Promise(() => {}));

process.on('message', (asked) => {
  if (asked === 'inspect') process.send?.(app.inspect());
});
process.once('SIGTERM', () => {
  void app.drain({ withinMs }).then(async (report: DrainReport) => {
    process.send?.(report);
    await app.close();
    // What else keeps it alive is a fault of the app.
    process.disconnect();
  });
});
const { port } = await app.listen(0, '127.0.0.1');
process.send?.({ port });
