/** A handler that sends without end, a second connection that wants its turns: `<dist> <memory|tcp|listen> <call>`. */
const [dist, transport, call] = process.argv.slice(2);
const { App, ChannelBox, consumer } = await import(new URL('src/index.js', dist));
const { testApp } = await import(new URL('testing/index.js', dist));
const { WebSocket } = await import('ws');
const durationMs = 1_500;

const steps = {
  sendText: (_self, ws) => ws.sendText('x'),
  'channel.send': (_self, ws) => ws.channel.send('x'),
  broadcast: (self) => self.broadcast('x', 'all'),
  groupSend: (_self, ws) => ws.channelBox.groupSend('all', 'x'),
  sendTo: (_self, ws) => ws.channelBox.sendTo(ws.id, 'x'),
};

const app = new App({ channelBox: new ChannelBox() }).addWsRoute(
  consumer('/endless', {
    encoding: 'text',
    async onConnect(ws) {
      await ws.accept();
      await this.joinGroup('all');
      while (ws.isConnected()) await steps[call](this, ws);
    },
  }),
);
app.wsRoute('/echo', async (ws) => {
  await ws.accept();
  for await (const text of ws.iterText()) await ws.sendText(text);
});

let stallMs = 0;
let lastMs;
function tick() {
  const nowMs = performance.now();
  if (lastMs !== undefined) stallMs = Math.max(stallMs, nowMs - lastMs);
  lastMs = nowMs;
  if (nowMs < endMs) setImmediate(tick);
}

/** Two clients of a real port: one that only reads, one that wants an answer. */
async function overPort() {
  const { port } = await app.listen(0, '127.0.0.1');
  const open = async (path) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return socket;
  };
  const echo = await open('/echo');
  await open('/endless');
  return () =>
    new Promise((resolve) => {
      echo.once('message', resolve);
      echo.send('hi');
    });
}

async function underTest() {
  const t = testApp(app, { transport });
  await t.connect('/endless');
  const client = await t.connect('/echo');
  return async () => {
    client.send('hi');
    await client.expect('hi');
  };
}

const trip = await (transport === 'listen' ? overPort() : underTest());
const endMs = performance.now() + durationMs;
setImmediate(tick);
let trips = 0;
while (performance.now() < endMs) {
  await trip();
  trips += 1;
}
process.send({ stallMs, trips }, () => process.exit(0));
