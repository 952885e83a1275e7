import { BoxError, LayerError } from '../../../errors.ts';
import type { CloseOptions, CloseTarget, Payload, SendOutcome } from '../../layer.ts';
import { listOf, numberOf, textOf } from '../broker/broker.ts';
import type { NodeParts } from '../connection/calls.ts';
import { decodeParcel, encodeParcel } from '../connection/envelope.ts';

interface Question {
  /** Nodes that were reached and have not answered. */
  readonly open: Set<string>;
  readonly answers: Map<string, unknown>;
  readonly missing: Set<string>;
  hasBegun: boolean;
  error: Error | undefined;
  done(): void;
}

const earlyMax = 256;
const outcomes: readonly unknown[] = ['sent', 'queued', 'dropped', 'closed'];

/** One node asks this of others: to send to a channel of theirs, to close some. Not obeyed when it comes too late. */
export class Orders {
  readonly #parts: () => NodeParts;
  readonly #questions = new Map<string, Question>();
  #ids = 0;
  /** The broker's time less this node's monotonic clock. */
  #aheadMs: number | undefined;
  /** Came before this node knew the broker's time. */
  readonly #early: { readonly expiresMs: number; readonly order: Buffer }[] = [];

  constructor(parts: () => NodeParts) {
    this.#parts = parts;
  }

  set brokerTime({ nowMs, atMs }: { readonly nowMs: number; readonly atMs: number }) {
    this.#aheadMs = nowMs - atMs;
    for (const { expiresMs, order } of this.#early.splice(0)) this.obey(expiresMs, order);
  }

  async send(channel: string, payload: Payload): Promise<SendOutcome> {
    const { node, context } = this.#parts();
    const at = channel.indexOf('.');
    const owner = channel.slice(0, at);
    if (at === -1 || owner === node) return (await context.local.send(channel, payload)) ?? 'closed';
    if (!/^[\w-]{12}$/.test(owner)) return 'closed';
    const body = payload.kind === 'bytes' ? payload.bytes : Buffer.from(payload.text);
    const { answers, unreached, silent } = await this.#ask(owner, { call: 'send', channel, kind: payload.kind }, body);
    if (unreached.length > 0) return 'closed';
    if (silent.length > 0) throw this.#late(undefined, silent);
    const outcome = answers.get(owner);
    return outcomes.includes(outcome) ? (outcome as SendOutcome) : 'closed';
  }

  async closeChannels(target: CloseTarget, options: CloseOptions): Promise<number> {
    const { node, context } = this.#parts();
    if (typeof target === 'object' && 'channel' in target) {
      const at = target.channel.indexOf('.');
      const owner = target.channel.slice(0, at);
      if (at === -1 || owner === node) return context.local.close(target, options);
      if (!/^[\w-]{12}$/.test(owner)) return 0;
      const { answers, silent } = await this.#ask(owner, { call: 'close', target, options });
      if (silent.length > 0) throw this.#late(0, silent);
      return countOf(answers.get(owner));
    }
    const { answers, unreached, silent } = await this.#ask('*', { call: 'close', target, options }, undefined, () =>
      context.local.close(target, options),
    );
    const closed = [...answers.values()].reduce((sum: number, count) => sum + countOf(count), 0);
    const missing = [...unreached, ...silent];
    if (missing.length > 0) throw this.#late(closed, missing);
    return closed;
  }

  /** Somebody's order has come. */
  obey(expiresMs: number, order: Buffer): boolean {
    const parcel = decodeParcel(order);
    const { id, from } = parcel?.about ?? {};
    if (parcel === undefined || typeof id !== 'string' || typeof from !== 'string') return false;
    const { clock } = this.#parts().context;
    if (this.#aheadMs === undefined) {
      if (this.#early.length < earlyMax) this.#early.push({ expiresMs, order });
      return true;
    }
    // Who slept past an order's time must not carry it out behind the back of who has given up on it.
    if (clock.monotonic() + this.#aheadMs > expiresMs) return true;
    void this.#carryOut(id, from, parcel);
    return true;
  }

  answered(answer: Buffer): boolean {
    const parcel = decodeParcel(answer);
    const { id, from, value, error } = parcel?.about ?? {};
    if (typeof id !== 'string' || typeof from !== 'string') return false;
    const question = this.#questions.get(id);
    if (question === undefined) return true;
    if (error !== undefined) question.error = errorOf(error);
    else question.answers.set(from, value);
    question.open.delete(from);
    if (question.hasBegun && question.open.size === 0) question.done();
    return true;
  }

  close(): void {
    const { calls } = this.#parts();
    for (const question of this.#questions.values()) {
      question.error = calls.closed();
      question.done();
    }
  }

  async #carryOut(
    id: string,
    from: string,
    { about, body }: { about: Record<string, unknown>; body: Buffer },
  ): Promise<void> {
    const { node, calls, settings, commands } = this.#parts();
    let answer: object;
    try {
      answer = { id, from: node, value: await this.#do(about, body) };
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      answer = { id, from: node, error: { code, message } };
    }
    try {
      const bytes = Buffer.concat([Buffer.from('1A'), encodeParcel(answer)]);
      const connection = await calls.connection(commands);
      await connection.publish(`${settings.prefix}:node:${from}`, bytes);
    } catch {
      // Who asked has a deadline of its own.
    }
  }

  async #do(about: Record<string, unknown>, body: Buffer): Promise<unknown> {
    const { local } = this.#parts().context;
    if (about['call'] === 'close') {
      return local.close(about['target'] as CloseTarget, (about['options'] ?? {}) as CloseOptions);
    }
    const kind = about['kind'];
    const payload: Payload =
      kind === 'bytes'
        ? { kind, bytes: new Uint8Array(body) }
        : { kind: kind === 'json' ? 'json' : 'string', text: body.toString() };
    return (await local.send(String(about['channel']), payload)) ?? 'closed';
  }

  /** @param own is done here, as soon as the order is on its way */
  async #ask(
    node: string,
    order: object,
    body?: Uint8Array,
    own?: () => number,
  ): Promise<{ answers: Map<string, unknown>; unreached: string[]; silent: string[] }> {
    const { calls, settings, node: self } = this.#parts();
    const id = `${self}-${(this.#ids += 1)}`;
    let done = (): void => {};
    const answered = new Promise<void>((resolve) => {
      done = resolve;
    });
    const question: Question = {
      open: new Set(),
      answers: new Map(),
      missing: new Set(),
      hasBegun: false,
      error: undefined,
      done,
    };
    this.#questions.set(id, question);
    const startMs = this.#parts().context.clock.monotonic();
    try {
      const parcel = encodeParcel({ id, from: self, ...order }, body);
      const reached = listOf(
        await calls.ask((connection) => {
          // It may have waited for this connection, and its deadline has not.
          const leftMs = Math.floor(this.#leftMs(startMs));
          return connection.run('order', [], [settings.prefix, node, self, leftMs, parcel]);
        }),
      );
      if (own !== undefined) question.answers.set(self, own());
      const unreached: string[] = [];
      for (let at = 0; at < reached.length; at += 2) {
        const name = textOf(reached[at]);
        if (numberOf(reached[at + 1]) === 0) unreached.push(name);
        else if (!question.answers.has(name)) question.open.add(name);
      }
      question.hasBegun = true;
      if (question.open.size > 0 && question.error === undefined) await this.#inTime(answered, startMs);
      if (question.error !== undefined) throw question.error;
      return { answers: question.answers, unreached, silent: [...question.open] };
    } finally {
      this.#questions.delete(id);
    }
  }

  #inTime(answered: Promise<void>, startMs: number): Promise<void> {
    const { clock } = this.#parts().context;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, this.#leftMs(startMs), 'redis order');
      void answered.then(() => {
        clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  #leftMs(startMs: number): number {
    const { context, settings } = this.#parts();
    return Math.max(0, startMs + settings.deadlineMs - context.clock.monotonic());
  }

  #late(partial: number | undefined, missing: readonly string[]): LayerError {
    return this.#parts().calls.late(`${missing.join(', ')} did not answer`, { partial, missing });
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function errorOf(error: unknown): Error {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message : 'another node could not do it';
  return typeof code === 'string' && code.startsWith('CHANNELBOX_')
    ? new BoxError(code as `CHANNELBOX_${string}`, text)
    : new LayerError('CHANNELBOX_LAYER_REFUSED', `another node could not do it: ${text}`);
}
