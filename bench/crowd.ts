import { App, ChannelBox, consumer, type ChannelBoxOptions, type WebSocket } from '../src/index.ts';
import { MemoryUpgrade, type MemoryWire } from './memory-wire.ts';

const hourMs = 3_600_000;

export interface Member {
  readonly ws: WebSocket;
  readonly wire: MemoryWire;
}

/** An app with as many connections as asked for, none of them over a network. */
export class Crowd {
  readonly app: App;
  readonly members: Member[] = [];
  #opened: WebSocket | undefined;

  constructor(options: ChannelBoxOptions = {}) {
    this.app = new App({
      channelBox: new ChannelBox(options),
      limits: { heartbeatMs: hourMs, groupsPerChannel: 1_000 },
    });
    const opened = (ws: WebSocket): void => {
      this.#opened = ws;
    };
    this.app.addWsRoute(
      consumer('/', {
        async onConnect(ws) {
          await ws.accept();
          opened(ws);
        },
      }),
    );
  }

  async grow(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const upgrade = new MemoryUpgrade();
      void this.app.handle(upgrade);
      while (this.#opened === undefined) await Promise.resolve();
      this.members.push({ ws: this.#opened, wire: upgrade.wire });
      this.#opened = undefined;
    }
  }
}
