import { once } from 'node:events';
import { WebSocket as Client } from 'ws';

/** A client that keeps the rules, and notes what reaches it. */
export class FaultClient {
  readonly socket: Client;
  readonly received: string[] = [];
  #closedWith: number | undefined;

  constructor(url: string) {
    this.socket = new Client(url);
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => this.received.push(data.toString()));
    this.socket.on('close', (code) => (this.#closedWith = code));
  }

  static async open(url: string): Promise<FaultClient> {
    const client = new FaultClient(url);
    await client.opened();
    return client;
  }

  /** @throws {Error} where it is refused or the connection ends before */
  async opened(): Promise<void> {
    if (this.socket.readyState === Client.OPEN) return;
    await once(this.socket, 'open');
  }

  /** The code it was closed with; undefined while it is open. */
  get closedWith(): number | undefined {
    return this.#closedWith;
  }

  /** Says it in its room and waits until it has come back. */
  async roundTrip(text: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (data: unknown): void => {
        if (String(data) !== text) return;
        this.socket.off('message', look);
        resolve();
      };
      this.socket.on('message', look);
      this.socket.send(text);
    });
  }
}
