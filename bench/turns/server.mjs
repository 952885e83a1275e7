/** Takes a flood without a rate limit, and echoes what begins with `p`: `<dist> <channelbox|ws>`. */
const [dist, side] = process.argv.slice(2);
let count = 0;

async function channelbox() {
  const { App } = await import(new URL('src/index.js', dist));
  const app = new App().wsRoute('/x', async (ws) => {
    await ws.accept();
    for await (const text of ws.iterText()) {
      count += 1;
      if (text.startsWith('p')) await ws.sendText(text);
    }
  });
  return (await app.listen(0, '127.0.0.1')).port;
}

async function bare() {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('message', (/** @type {Buffer} */ data) => {
      count += 1;
      const text = data.toString('utf8');
      if (text.startsWith('p')) socket.send(text);
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return server.address().port;
}

process.on('message', () => process.send({ count }));
process.send({ port: await (side === 'ws' ? bare() : channelbox()) });
