import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BrokerLost, type BrokerRefusal, type BrokerReply } from './broker.ts';
import { CommandBuffer } from './command-buffer.ts';
import { RespDecoder } from './resp.ts';
import type { PortEvents, ServerPort } from './server-port.ts';

/** What of the settings a port of its own knows how to follow. */
export interface DirectOptions {
  readonly username?: string;
  readonly password?: string;
  readonly database?: number;
  readonly name?: string;
  /** As `node:net` and `node:tls` take it; `tls: true` for the latter. */
  readonly socket: Readonly<Record<string, unknown>>;
}

const known = new Set(['username', 'password', 'database', 'name', 'socket']);

/** Whether a port of its own can follow these settings; undefined where only `@redis/client` can. */
export function directOptionsOf(options: Readonly<Record<string, unknown>>): DirectOptions | undefined {
  const given = Object.keys(options).filter((name) => options[name] !== undefined);
  const socket = options['socket'] as Readonly<Record<string, unknown>>;
  if (!given.every((name) => known.has(name)) || socket['socketTimeout'] !== undefined) return undefined;
  return options as unknown as DirectOptions;
}

interface PendingCommand {
  resolve(reply: BrokerReply): void;
  reject(error: Error): void;
  /** Channels whose turn has not been told yet, of those that it subscribes or leaves; 0 for any other command. */
  channels: number;
  next: PendingCommand | undefined;
}

const readBytes = 64 * 1024;
const keepAliveDelayMs = 5_000;

/**
 * A direct port is one connection on a socket of its own, for what each publish costs: all commands of a turn go in one
 * write, out of a buffer that is used again, and whatever comes is read into another.
 */
export class DirectPort implements ServerPort {
  readonly #options: DirectOptions;
  readonly #events: PortEvents;
  readonly #decoder: RespDecoder;
  readonly #waiting = { first: undefined as PendingCommand | undefined, last: undefined as PendingCommand | undefined };
  readonly #outgoing = new CommandBuffer();
  #socket: Socket | undefined;
  #isOver = false;

  constructor(options: DirectOptions, events: PortEvents) {
    this.#options = options;
    this.#events = events;
    this.#decoder = new RespDecoder({
      replied: (reply) => this.#shift()?.resolve(reply),
      refused: (error: BrokerRefusal) => this.#shift()?.reject(error),
      pushed: (push) => this.#pushed(push),
    });
  }

  async connect(): Promise<void> {
    const { username = 'default', password, database, name } = this.#options;
    this.#open();
    const hello = ['HELLO', '3'];
    if (password !== undefined) hello.push('AUTH', username, password);
    if (name !== undefined) hello.push('SETNAME', name);
    const steps = [this.send(hello)];
    if (database !== undefined && database !== 0) steps.push(this.send(['SELECT', String(database)]));
    await Promise.all(steps);
  }

  send(command: readonly (string | Buffer)[]): Promise<BrokerReply> {
    return this.#call(command, 0);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length > 0) await this.#call(['SUBSCRIBE', ...channels], channels.length);
  }

  async unsubscribe(channels: readonly string[]): Promise<void> {
    if (channels.length > 0) await this.#call(['UNSUBSCRIBE', ...channels], channels.length);
  }

  close(): void {
    this.#end(new BrokerLost('the connection was closed'));
  }

  #open(): void {
    const buffer = Buffer.allocUnsafe(readBytes);
    const onread = {
      buffer,
      callback: (count: number): boolean => {
        this.#read(buffer.subarray(0, count));
        return true;
      },
    };
    const { tls: isTls, ...rest } = this.#options.socket;
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelayMs, ...rest, onread };
    const socket = isTls === true ? connectTls(options as never) : connectPlain(options as never);
    this.#socket = socket;
    socket.on('error', (error) => this.#lost(error));
    for (const event of ['end', 'close']) socket.on(event, () => this.#lost(new Error('the connection ended')));
  }

  #read(piece: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#decoder.write(piece);
    } catch (error) {
      this.#lost(error as Error);
    }
  }

  #call(command: readonly (string | Buffer)[], channels: number): Promise<BrokerReply> {
    if (this.#isOver) return Promise.reject(new BrokerLost('the connection is gone'));
    // All that a turn sends is one write.
    if (this.#outgoing.isEmpty) process.nextTick(this.#flush);
    this.#outgoing.add(command);
    return new Promise((resolve, reject) => {
      const pending: PendingCommand = { resolve, reject, channels, next: undefined };
      const { last } = this.#waiting;
      if (last === undefined) this.#waiting.first = pending;
      else last.next = pending;
      this.#waiting.last = pending;
    });
  }

  readonly #flush = (): void => {
    if (!this.#isOver) this.#outgoing.flush(this.#write);
  };

  readonly #write = (bytes: Buffer): 'kept' | 'free' => {
    const socket = this.#socket;
    socket?.write(bytes);
    // Where nothing waits, the kernel has taken all of it.
    return socket?.writableLength === 0 ? 'free' : 'kept';
  };

  #shift(): PendingCommand | undefined {
    const { first } = this.#waiting;
    this.#waiting.first = first?.next;
    if (first?.next === undefined) this.#waiting.last = undefined;
    return first;
  }

  #pushed(push: readonly BrokerReply[]): void {
    const [kind, channel, payload] = push;
    switch (String(kind)) {
      case 'message':
        return this.#events.pushed(String(channel), payload as Buffer);
      case 'subscribe':
      case 'unsubscribe': {
        const { first } = this.#waiting;
        if (first === undefined || first.channels === 0) return;
        first.channels -= 1;
        if (first.channels === 0) this.#shift()?.resolve(null);
      }
    }
  }

  #lost(error: Error): void {
    if (this.#isOver) return;
    this.#end(new BrokerLost(error.message, { cause: error }));
    this.#events.lost(error);
  }

  #end(error: BrokerLost): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket?.destroy();
    for (let pending = this.#shift(); pending !== undefined; pending = this.#shift()) pending.reject(error);
  }
}
