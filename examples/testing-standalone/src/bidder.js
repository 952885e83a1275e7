/** What a page shows of an auction: browser code, and nothing but `new WebSocket(url)`. */
export class Bidder {
  #socket;
  lines = [];

  constructor(lot, name) {
    this.#socket = new WebSocket(`wss://auctions.example/auction/${lot}?bidder=${encodeURIComponent(name)}`);
    this.#socket.onmessage = ({ data }) => {
      const { highest, sold } = JSON.parse(data);
      if (highest !== undefined) this.lines.push(`${highest.bidder} bids ${highest.amount}`);
      if (sold !== undefined) this.lines.push(`sold to ${sold.bidder}`);
    };
    this.#socket.onclose = ({ code }) => this.lines.push(`closed with ${code}`);
  }

  bid(amount) {
    this.#socket.send(JSON.stringify(amount));
  }
}
