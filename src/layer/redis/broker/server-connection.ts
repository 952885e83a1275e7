import { quiet } from '../../../promise.ts';
import {
  BrokerLost,
  BrokerRefusal,
  type BrokerConnection,
  type BrokerEvents,
  type BrokerFacts,
  type BrokerReply,
  type ScriptArgument,
  type ScriptName,
} from './broker.ts';
import { unnamed, warningsOf } from './facts.ts';
import type { Predecessor } from './predecessor.ts';
import { scripts } from './script.ts';
import type { PortEvents, ServerPort } from './server-port.ts';

/** How one attempt to connect is made. */
export interface Attempt {
  readonly timeoutMs: number;
  /** Of a connection for commands. */
  readonly predecessor: Predecessor | undefined;
  port(events: PortEvents): ServerPort;
}

/** A connection to one Redis, over whichever port, puts what the layer asks of a broker into commands. */
export class ServerConnection implements BrokerConnection {
  facts: BrokerFacts = { runId: '', warnings: [] };
  readonly #port: ServerPort;
  #isOver = false;
  #hasBegun = false;

  private constructor({ port }: Attempt, events: BrokerEvents) {
    this.#port = port({
      pushed: (channel, payload) => {
        if (!this.#isOver) events.pushed(channel, payload);
      },
      lost: (error) => {
        if (this.#isOver) return;
        this.#isOver = true;
        if (this.#hasBegun) events.lost(error);
      },
    });
  }

  static async open(attempt: Attempt, events: BrokerEvents): Promise<ServerConnection> {
    const connection = new ServerConnection(attempt, events);
    try {
      await connection.#within(connection.#greet(attempt.predecessor), attempt.timeoutMs);
      connection.#hasBegun = true;
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** A server that takes the connection and says nothing must not hold up the next attempt. */
  async #within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new BrokerLost(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      return await Promise.race([quiet(promise), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** All in one go: who is there, whether it is the master, what its settings are. */
  async #greet(predecessor: Predecessor | undefined): Promise<void> {
    await this.#port.connect();
    const isForCommands = predecessor !== undefined;
    const ask = (...command: string[]): Promise<BrokerReply> => quiet(this.#optional(command));
    const [info, role] = [ask('INFO'), ask('ROLE')];
    const limits = isForCommands ? ask('CONFIG', 'GET', 'client-output-buffer-limit') : null;
    const fsync = isForCommands ? ask('CONFIG', 'GET', 'appendfsync') : null;
    const self = isForCommands ? ask('CLIENT', 'INFO') : null;
    const about = String((await info) ?? '');
    const kind = ((await role) as readonly BrokerReply[] | null)?.[0];
    if (kind !== undefined && String(kind) !== 'master') {
      throw new BrokerRefusal(`READONLY the server is a ${String(kind)}, not a master`);
    }
    const name = String((await self) ?? '');
    this.facts = {
      runId: /^run_id:(\w+)/m.exec(about)?.[1] ?? '',
      warnings: [...warningsOf(about, await limits, await fsync), ...(isForCommands && name === '' ? [unnamed] : [])],
    };
    await predecessor?.replaceBy(this.facts.runId, name, ask);
  }

  /** Null where the user may not ask. */
  async #optional(command: readonly string[]): Promise<BrokerReply> {
    try {
      return await this.#port.send(command);
    } catch (error) {
      if (error instanceof BrokerRefusal) return null;
      throw error;
    }
  }

  run(script: ScriptName, keys: readonly string[], args: readonly ScriptArgument[]): Promise<BrokerReply> {
    const { sha, text } = scripts[script];
    const command: (string | Buffer)[] = ['EVALSHA', sha, String(keys.length), ...keys];
    for (const arg of args) command.push(typeof arg === 'number' ? String(arg) : arg);
    return this.#port.send(command).catch((error: unknown) => {
      // Order is the caller's: it has one command of a group under way at a time.
      if (!(error instanceof BrokerRefusal) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.#port.send(['EVAL', text, ...command.slice(2)]);
    });
  }

  async publish(channel: string, payload: Buffer): Promise<number> {
    return Number(await this.#port.send(['PUBLISH', channel, payload]));
  }

  async keys(start: string, end: string): Promise<string[]> {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const command = ['SCAN', cursor, 'MATCH', `${start}*${end}`, 'COUNT', '1000'];
      const reply = (await this.#port.send(command)) as BrokerReply[];
      cursor = String(reply[0]);
      for (const key of reply[1] as readonly BrokerReply[]) found.add(String(key));
    } while (cursor !== '0');
    return [...found];
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.#port.subscribe(channels);
  }

  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#port.unsubscribe(channels);
  }

  close(): void {
    this.#isOver = true;
    this.#port.close();
  }
}
