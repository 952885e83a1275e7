import type { Message, Upgrade, UpgradeAnswer } from 'channelbox';
import type {
  ClientRequest,
  ConformanceClient,
  HandshakeAnswer,
  TransportHarness,
  TransportSite,
} from '../../testing/conformance/transport.ts';
import type { LayerHarness } from '../../testing/conformance/layer.ts';
import { SimBroker } from '../../testing/simulator/layer/broker.ts';
import { SimLayer } from '../../testing/simulator/layer/layer.ts';
import { Tape } from '../../testing/simulator/tape/tape.ts';
import { SimLink, type ClientEnd, type LinkNode, type Received } from '../../testing/simulator/world/link.ts';
import { NodeClock } from '../../testing/simulator/world/clock.ts';
import { World } from '../../testing/simulator/world/world.ts';

const { setImmediate } = globalThis;

/** A world that moves by itself while something is on its way in it: for suites that wait in turns of the event loop. */
class LiveWorld {
  readonly world: World;
  #hasEnded = false;

  constructor(seed: number) {
    const spread = { share: 0.3, max: 5 };
    const spreads = { up: spread, down: spread, accept: spread, layer: spread, answer: spread };
    this.world = new World({ tape: new Tape({ seed, spreads }) });
    // What is written counts as buffered until the turn of the event loop ends, as on every transport.
    this.world.flushAtEnd = (writer) => void setImmediate(() => writer.flush());
    void this.#move();
  }

  end(): void {
    this.#hasEnded = true;
  }

  async #move(): Promise<void> {
    while (!this.#hasEnded) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.world.perform(0, () => {});
      await this.world.runUntil(this.world.nowMs + (this.world.waiting > 0 ? 1 : 0));
    }
  }
}

/** The simulator's transport, with delays drawn from a seed. */
export function simHarness(seed: number): TransportHarness {
  return { serve: async (handle) => new SimSite(seed, handle) };
}

class SimSite implements TransportSite {
  readonly #live: LiveWorld;
  readonly #node: LinkNode;
  #conns = 0;

  constructor(seed: number, handle: (upgrade: Upgrade) => void) {
    this.#live = new LiveWorld(seed);
    this.#node = { name: 'n1', isFenced: false, enter: (run) => run(), handle: (link) => handle(link.upgrade) };
  }

  connect(request: ClientRequest): ConformanceClient {
    this.#conns += 1;
    return new SiteClient(this.#live.world, this.#node, request, this.#conns);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#live.end();
  }
}

class SiteClient implements ConformanceClient, ClientEnd {
  readonly name = 'c1';
  answer: HandshakeAnswer | undefined;
  readonly received: Message[] = [];
  closed: { code: number; reason: string; wasClean: boolean } | undefined;
  isReading = true;
  readonly #link: SimLink;
  #hasLeft = false;

  constructor(world: World, node: LinkNode, request: ClientRequest, conn: number) {
    const offered = request.subprotocols.map((name): [string, string] => ['Sec-WebSocket-Protocol', name]);
    const headers = [...request.headers, ...offered];
    this.#link = new SimLink({ world, client: this, node, conn, path: request.target, headers });
    this.#link.ask();
  }

  send(data: string | Uint8Array): void {
    this.#link.say(typeof data === 'string' ? { type: 'text', data } : { type: 'bytes', data: new Uint8Array(data) });
  }

  close(code = 1005, reason = ''): void {
    this.#link.sayClose(code, reason);
  }

  drop(): void {
    this.#hasLeft = true;
    this.closed = { code: 1006, reason: '', wasClean: false };
    this.#link.vanish();
  }

  pause(): void {
    this.isReading = false;
  }

  resume(): void {
    this.isReading = true;
    this.#link.readOn();
  }

  isOn(): boolean {
    return !this.#hasLeft && this.closed === undefined;
  }

  opened(_link: SimLink, { subprotocol = '', headers = [] }: UpgradeAnswer): void {
    const pairs = headers.map(([name, value]): [string, string] => [name, value]);
    this.answer = { status: 101, headers: new Headers(pairs), body: '', subprotocol };
  }

  denied(_link: SimLink, { status, headers, body }: { status: number; headers: Headers; body: string }): void {
    this.answer = { status, headers, body, subprotocol: '' };
  }

  frame(_link: SimLink, { data }: Received): void {
    this.received.push(
      typeof data === 'string' ? { type: 'text', data } : { type: 'bytes', data: new Uint8Array(data) },
    );
  }

  ended(_link: SimLink, code: number, reason: string): void {
    this.closed = { code, reason, wasClean: code !== 1006 };
  }
}

/** The simulated layer, with delays drawn from a seed. */
export function simLayerHarness(seed: number): LayerHarness {
  const spread = { share: 0.4, max: 8 };
  let broker = new SimBroker();
  const world = new World({ tape: new Tape({ seed, spreads: { layer: spread, answer: spread } }) });
  const clock = new NodeClock({ world, enter: (run) => run() });
  const made = new Set<SimLayer>();
  const settle = async (): Promise<void> => {
    await world.perform(0, () => {}, true);
    for (let tries = 0; world.onItsWay > 0 && tries < 1_000; tries += 1) await world.runUntil(world.nowMs + 1);
  };
  let isMoving = false;
  // Calls are awaited without a word to the harness: time moves while one is under way.
  const move = async (): Promise<void> => {
    if (isMoving) return;
    isMoving = true;
    for (let idle = 0; idle < 200; idle += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (world.onItsWay === 0) continue;
      idle = 0;
      await world.runUntil(world.nowMs + 1);
    }
    isMoving = false;
  };
  return {
    layers: (count) => {
      broker = new SimBroker();
      made.clear();
      void move();
      return Array.from({ length: count }, (_, at) => {
        const name = `n${at + 1}`;
        const layer = new SimLayer({ world, name, enter: (run) => run() }, broker, name);
        made.add(layer);
        return layer;
      });
    },
    settle,
    nodesMax: 3,
    time: { clock, advance: (ms) => world.runUntil(world.nowMs + ms) },
    cut: (layer) => (layer as SimLayer).cut(),
    faults: {
      restart: async (how) => {
        const groups = broker.forget(how === 'old' ? 'remembered' : 'nothing');
        for (const layer of made) layer.forgotten(groups);
      },
      remember: async () => broker.remember(),
      kill: async (layer) => (layer as SimLayer).detach(),
    },
  };
}
