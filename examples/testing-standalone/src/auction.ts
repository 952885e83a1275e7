import { App, consumer, type Clock } from 'channelbox';

interface Bid {
  readonly bidder: string;
  readonly amount: number;
}

/** One auction a path: the highest bid is told to everybody, and ten seconds after the last one the hammer falls. */
export function auctionHouse(options: { clock?: Clock } = {}): App {
  const highest = new Map<string, Bid>();
  const hammers = new Map<string, AbortController>();
  const app = new App(options);

  async function fallLater(lot: string): Promise<void> {
    hammers.get(lot)?.abort();
    const hammer = new AbortController();
    hammers.set(lot, hammer);
    try {
      await app.clock.sleep(10_000, hammer.signal);
    } catch {
      return;
    }
    await app.channelBox.groupSend(lot, { sold: highest.get(lot) });
  }

  return app.addWsRoute(
    consumer('/auction/{lot}', {
      encoding: 'json',
      async onConnect(ws) {
        if (!ws.query.has('bidder')) return ws.deny(new Response('say who you are: ?bidder=', { status: 401 }));
        await ws.accept();
        await this.joinGroup(ws.params.lot);
      },
      async onReceive(ws, amount) {
        const { lot } = ws.params;
        if (typeof amount !== 'number') return ws.close(4000, 'a bid is a number');
        if (amount <= (highest.get(lot)?.amount ?? 0)) return this.send({ refused: amount });
        highest.set(lot, { bidder: ws.query.get('bidder') ?? '', amount });
        await this.broadcast({ highest: highest.get(lot) }, lot);
        void fallLater(lot);
      },
    }),
  );
}
