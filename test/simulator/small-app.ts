import type { Simulation } from 'channelbox/testing/simulator';
import type * as channelbox from 'channelbox';

/** Needs nothing but what it is given, so that its text can be run elsewhere. */
export function smallApp({
  App,
  ChannelBox,
  consumer,
}: Pick<typeof channelbox, 'App' | 'ChannelBox' | 'consumer'>): Simulation<channelbox.App> {
  return {
    system: (env: { io(): Promise<void>; random(): number }) =>
      new App({ channelBox: new ChannelBox({ historyCount: 3 }) }).addWsRoute(
        consumer('/', {
          encoding: 'json',
          async onConnect(ws) {
            await ws.accept();
            await this.resumeGroup('g', { first: (page) => this.send({ page: page.messages.length }) });
          },
          async onReceive(_ws, data) {
            await env.io();
            await this.broadcast({ data, luck: Math.floor(env.random() * 100) }, 'g', { saveHistory: true });
          },
        }),
      ),
    actions: { say: (c: { sendJson(value: unknown): void }, g: { stamp(): string }) => c.sendJson(g.stamp()) },
  };
}
