import type {
  Broker,
  BrokerConnection,
  BrokerEvents,
  BrokerPurpose,
  BrokerReply,
  ScriptArgument,
  ScriptName,
} from '../../../../src/layer/redis/broker/broker.ts';
import type { Without } from '../job.ts';

/** Where the items of a publish stand among the arguments of its script, and where the list of the saved begins. */
const itemsAt = 6;
const savedAt = { publish: 8, again: 11 } as const;
const extension = Buffer.from([0xc0, 0xff, 0xee, 0x00, 0x01]);

/**
 * A real Redis behind a layer that lacks a safeguard, that speaks as the next version would, or that does not hear
 * everything: what cannot be had of the layer by its options is done between it and its connections.
 */
export class AlteredBroker implements Broker {
  readonly #inner: Broker;
  readonly #without: Without | undefined;
  readonly #isNewer: boolean;
  readonly #next = new Map<string, number>();
  /** So many pushes of groups are lost on their way, and nobody is told. */
  dropNext: number = 0;
  dropped: number = 0;
  #events: BrokerEvents | undefined;

  constructor(inner: Broker, options: { readonly without: Without | undefined; readonly isNewer: boolean }) {
    this.#inner = inner;
    this.#without = options.without;
    this.#isNewer = options.isNewer;
  }

  async connect(purpose: BrokerPurpose, events: BrokerEvents): Promise<BrokerConnection> {
    const own: BrokerEvents = {
      lost: (error) => events.lost(error),
      pushed: (channel, payload) => {
        if (this.dropNext > 0 && payload.toString('latin1', 0, 2) === '1M') {
          this.dropNext -= 1;
          this.dropped += 1;
        } else events.pushed(channel, this.#without === 'cursor' ? this.#asIfWhole(channel, payload) : payload);
      },
    };
    if (purpose === 'pushes') this.#events = events;
    return this.#altered(await this.#inner.connect(purpose, own));
  }

  #altered(connection: BrokerConnection): BrokerConnection {
    return {
      // Without the fence nobody can tell one run of the server from another.
      facts: this.#without === 'fence' ? { ...connection.facts, runId: '' } : connection.facts,
      run: (script, keys, args) => this.#run(connection, script, keys, args),
      publish: (channel, payload) => connection.publish(channel, this.#isNewer ? longer(payload, 2) : payload),
      keys: (start, end) => connection.keys(start, end),
      subscribe: (channels) => connection.subscribe(channels),
      unsubscribe: (channels) => connection.unsubscribe(channels),
      close: () => connection.close(),
    };
  }

  #run(
    connection: BrokerConnection,
    script: ScriptName,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<BrokerReply> {
    // Without the probe nobody notices that it does not come by itself.
    if (script === 'lease' && this.#without === 'probe' && args[3] !== '') {
      queueMicrotask(() => this.#events?.pushed(String(args[3]), Buffer.from(`1P${String(args[4])}`)));
    }
    const isLonger = this.#isNewer && (script === 'publish' || script === 'again');
    return connection.run(script, keys, isLonger ? longerArguments(args, savedAt[script]) : args);
  }

  /** Its numbers go on from the last ones, whatever was lost between. */
  #asIfWhole(channel: string, payload: Buffer): Buffer {
    if (payload.length < 48 || payload.toString('latin1', 0, 2) !== '1M') return payload;
    const copy = Buffer.from(payload);
    const next = this.#next.get(channel) ?? Number(copy.toString('latin1', 14, 30));
    copy.write(String(next).padStart(16, '0'), 14, 'latin1');
    let count = 0;
    for (let at = 44; at < copy.length; at += 4 + copy.readUInt32BE(at)) count += (copy[at + 4] as number) & 1;
    this.#next.set(channel, next + count);
    return copy;
  }
}

/** Every item goes on after what this version knows of it. */
function longer(push: Buffer, from: number): Buffer {
  // Marks and probes have no items.
  if (from === 2 && push.toString('latin1', 0, 2) !== '1U') return push;
  const parts: Buffer[] = [push.subarray(0, from)];
  for (let at = from; at < push.length;) {
    const length = push.readUInt32BE(at);
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32BE(length + extension.length);
    parts.push(head, push.subarray(at + 4, at + 4 + length), extension);
    at += 4 + length;
  }
  return Buffer.concat(parts);
}

function longerArguments(args: readonly ScriptArgument[], saved: number): ScriptArgument[] {
  const items = args[itemsAt] as Buffer;
  const altered = [...args];
  altered[itemsAt] = longer(items, 0);
  // Where each saved item stood, and stands now: after the extensions of all items before it.
  const moved = new Map<number, number>();
  let shift = 0;
  for (let at = 0; at < items.length; at += 4 + items.readUInt32BE(at)) {
    moved.set(at + 5, at + 5 + shift);
    shift += extension.length;
  }
  for (let at = saved; at < args.length; at += 4) {
    const from = moved.get(Number(args[at])) ?? 0;
    altered[at] = from;
    altered[at + 1] = from + (Number(args[at + 1]) - Number(args[at])) + extension.length;
  }
  return altered;
}
