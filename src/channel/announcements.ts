import type { Awaitable, ChannelLayer } from '../layer/layer.ts';
import { isThenable, quiet } from '../promise.ts';
import type { SocketChannel } from './channel.ts';
import type { LocalChannels } from './local.ts';

/** Calls about one member of one group that wait for each other. */
interface Chain {
  tail: Promise<void>;
  /** An announcement whose turn has not come: what changes until then goes with it. */
  waiting: Promise<void> | undefined;
}

/**
 * Tells the layer who is a member: for each member of each group one call after the other, so that an announcement which
 * is answered late never outlives the leaving that came after it. Where a layer answers at once nothing is kept.
 */
export class Announcements {
  readonly #layer: ChannelLayer;
  readonly #local: LocalChannels;
  readonly #report: (error: unknown) => void;
  readonly #chains = new Map<SocketChannel, Map<string, Chain>>();

  constructor(layer: ChannelLayer, local: LocalChannels, report: (error: unknown) => void) {
    this.#layer = layer;
    this.#local = local;
    this.#report = report;
  }

  /** @returns what the layer answers, once its turn has come; nothing where the member has left by then */
  announce(member: SocketChannel, group: string): Awaitable<void> {
    if (this.#layer.announce === undefined) return undefined;
    const chain = this.#chainOf(member, group);
    if (chain === undefined) return this.#begin(member, group, this.#announceNow(member, group));
    chain.waiting ??= this.#append(member, group, chain, () => {
      chain.waiting = undefined;
      return this.#local.isMember(member, group) ? this.#announceNow(member, group) : undefined;
    });
    return chain.waiting;
  }

  /** Nobody waits for it; a layer that fails says so to the app's log. */
  retire(member: SocketChannel, group: string): void {
    if (this.#layer.retire === undefined) return;
    const chain = this.#chainOf(member, group);
    try {
      const retiring =
        chain === undefined
          ? this.#begin(member, group, this.#layer.retire(group, member.uuid))
          : this.#append(member, group, chain, () =>
              // Who is back by then is announced anew, behind this.
              this.#local.isMember(member, group) ? undefined : this.#layer.retire?.(group, member.uuid),
            );
      if (chain !== undefined) chain.waiting = undefined;
      if (isThenable(retiring)) retiring.then(undefined, this.#report);
    } catch (error) {
      this.#report(error);
    }
  }

  /** Members are described only where a layer wants to know: a description costs an id. */
  #announceNow(member: SocketChannel, group: string): Awaitable<void> {
    return this.#layer.announce?.(group, this.#local.memberOf(member));
  }

  #chainOf(member: SocketChannel, group: string): Chain | undefined {
    return this.#chains.get(member)?.get(group);
  }

  #begin(member: SocketChannel, group: string, answer: Awaitable<void>): Awaitable<void> {
    if (!isThenable(answer)) return undefined;
    const chains = this.#chains.get(member) ?? new Map<string, Chain>();
    const chain: Chain = { tail: Promise.resolve(answer), waiting: undefined };
    this.#chains.set(member, chains.set(group, chain));
    this.#forgetAfter(member, group, chain);
    return chain.tail;
  }

  #append(member: SocketChannel, group: string, chain: Chain, call: () => Awaitable<void>): Promise<void> {
    chain.tail = quiet(chain.tail.then(call, call));
    this.#forgetAfter(member, group, chain);
    return chain.tail;
  }

  #forgetAfter(member: SocketChannel, group: string, chain: Chain): void {
    const { tail } = chain;
    const forget = (): void => {
      if (chain.tail !== tail) return;
      const chains = this.#chains.get(member);
      chains?.delete(group);
      if (chains?.size === 0) this.#chains.delete(member);
    };
    tail.then(forget, forget);
  }
}
