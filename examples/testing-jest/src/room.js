import { App, consumer } from 'channelbox';

/** A room whose members hear each other. */
export function roomApp() {
  return new App().addWsRoute(
    consumer('/room/{name}', {
      encoding: 'json',
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
      async onReceive(ws, said) {
        await this.broadcast({ said }, ws.params.name);
      },
    }),
  );
}
