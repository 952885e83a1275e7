import type { BrokerReply } from './broker.ts';

/** A connection as the server names it. */
interface NamedConnection {
  readonly runId: string;
  readonly id: string;
  readonly address: string;
}

/**
 * A new connection for commands has the server end the one before it.
 *
 * The server may still have that: bytes that a network kept back reach it after all, and a publish in them would be
 * executed once more, behind its own retry.
 *
 * By id and address together: an id alone may be somebody else's by now, where the server has restarted unnoticed.
 */
export class Predecessor {
  #last: NamedConnection | undefined;

  /**
   * @param info what CLIENT INFO said of the new connection; empty where it may not be asked
   * @param ask answers null where the user may not ask
   */
  async replaceBy(runId: string, info: string, ask: (...command: string[]) => Promise<BrokerReply>): Promise<void> {
    const last = this.#last;
    const id = /(?:^| )id=(\d+)/.exec(info)?.[1];
    const address = /(?:^| )addr=(\S+)/.exec(info)?.[1];
    this.#last = id === undefined || address === undefined ? undefined : { runId, id, address };
    if (last === undefined || last.runId !== runId) return;
    await ask('CLIENT', 'KILL', 'ID', last.id, 'ADDR', last.address);
  }
}
