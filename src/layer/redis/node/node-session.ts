import { LayerError } from '../../../errors.ts';
import type { Timer } from '../../../time/clock.ts';
import type { LayerContext } from '../../layer.ts';
import { BrokerLost, BrokerRefusal, type Broker, type BrokerConnection } from '../broker/broker.ts';
import { weakPersistence } from '../broker/facts.ts';
import { Calls, withDeadline, type LayerChance, type NodeParts } from '../connection/calls.ts';
import { decodeNodePush } from '../connection/envelope.ts';
import type { HealthCounters, HealthRecord } from '../connection/health.ts';
import { BrokerLink, type LinkOwner } from '../connection/broker-link.ts';
import { Markers } from '../group/markers.ts';
import { Membership, type LeaseReply } from './membership.ts';
import type { LayerSettings } from '../connection/options.ts';
import { Orders } from './orders.ts';
import { Pages } from '../group/pages.ts';
import { GroupPublisher } from '../publish/publisher.ts';
import { Subscriptions } from '../group/subscriptions.ts';

export interface SessionOptions {
  readonly node: string;
  readonly settings: LayerSettings;
  readonly context: LayerContext;
  readonly counters: HealthCounters;
  readonly health: HealthRecord;
  readonly chance: LayerChance;
}

/** A node is at the broker from opening to closing: it has two connections, a lease, and what is done on them. */
export class NodeSession {
  readonly subscriptions: Subscriptions;
  readonly publisher: GroupPublisher;
  readonly membership: Membership;
  readonly orders: Orders;
  readonly pages: Pages;
  hasRegistered: boolean = false;
  readonly #parts: NodeParts;
  /** On which this node alone is spoken to. */
  readonly #channel: string;
  readonly #markers = new Markers();
  readonly #timers = new Map<string, Timer>();
  #probe: { readonly id: string; readonly isAnswered: boolean } | undefined;
  #probes = 0;
  #renewedAtMs = 0;
  #isRenewing = false;
  #isRepairing = false;
  #isClosed = false;

  constructor(broker: Broker, options: SessionOptions) {
    const parts = (): NodeParts => this.#parts;
    const { context, chance } = options;
    const owner = (own: Pick<LinkOwner, 'greet' | 'up' | 'down'>): LinkOwner => ({
      ...own,
      clock: () => context.clock,
      random: chance.random,
      pushed: (channel, payload) => this.#pushed(channel, payload),
    });
    const ofCommands = owner({
      greet: (connection) => this.#register(connection),
      up: () => this.#commandsUp(),
      down: (error, wasUp) => this.#commandsDown(error, wasUp),
    });
    const ofPushes = owner({
      greet: (connection) => this.#listen(connection),
      up: () => this.#pushesUp(),
      down: (error, wasUp) => this.#pushesDown(error, wasUp),
    });
    this.#parts = {
      node: options.node,
      settings: options.settings,
      context,
      counters: options.counters,
      health: options.health,
      commands: new BrokerLink(broker, 'commands', ofCommands),
      pushes: new BrokerLink(broker, 'pushes', ofPushes),
      calls: new Calls(parts),
      fresh: chance.fresh,
    };
    this.#channel = `${options.settings.prefix}:node:${options.node}`;
    this.subscriptions = new Subscriptions(parts, this.#markers);
    this.publisher = new GroupPublisher(parts, this.subscriptions, this.#markers);
    this.membership = new Membership(parts);
    this.orders = new Orders(parts);
    this.pages = new Pages(parts, this.subscriptions, this.#markers);
  }

  start(): void {
    const { commands, pushes, settings } = this.#parts;
    commands.start();
    pushes.start();
    this.#every('renew', settings.leaseRenewMs, () => this.#renew());
    if (settings.verifyMs > 0) this.#every('verify', settings.verifyMs, () => this.subscriptions.verify());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { commands, pushes, calls, context } = this.#parts;
    for (const timer of this.#timers.values()) context.clock.clearTimeout(timer);
    for (const part of [this.publisher, this.orders, this.subscriptions, this.membership, calls]) part.close();
    const { connection } = commands;
    if (connection !== undefined) {
      // Who does not answer now finds the lease lapsed later.
      const withdrawn = this.membership.withdraw(connection).catch(() => {});
      await withDeadline(context.clock, 1_000, withdrawn, () => new BrokerLost('no answer')).catch(() => {});
    }
    this.#markers.lost();
    commands.close();
    pushes.close();
  }

  // ── The two connections ───────────────────────────────────────────────────────────────────────────────────────────

  async #register(connection: BrokerConnection): Promise<void> {
    const { settings, health, counters } = this.#parts;
    const lease = await this.#inTime(this.membership.renew(connection, ''));
    if (lease.hasLapsed) counters.leaseLapses += 1;
    this.#noteLease(lease);
    await this.#inTime(this.membership.replaceAll(connection));
    health.warnings = connection.facts.warnings.filter((text) => settings.trustPersistence || text !== weakPersistence);
  }

  #commandsUp(): void {
    const { health, calls, commands, pushes } = this.#parts;
    this.hasRegistered = true;
    this.#isOneServer();
    for (const what of ['commands', 'answers', 'lease', 'members']) health.mend(what);
    this.publisher.commandsUp();
    this.membership.commandsUp();
    calls.wake(commands);
    if (pushes.connection !== undefined) void this.subscriptions.verify();
  }

  #commandsDown(error: Error, wasUp: boolean): void {
    const { health, counters } = this.#parts;
    health.fail('commands', this.#reasonOf(error));
    this.membership.commandsDown();
    if (!wasUp) return;
    counters.reconnects += 1;
    this.publisher.open.commandsDown();
  }

  async #listen(connection: BrokerConnection): Promise<void> {
    await this.#inTime(connection.subscribe([this.#channel]));
  }

  #pushesUp(): void {
    const { health, calls, pushes } = this.#parts;
    this.#probe = undefined;
    this.#markers.heard();
    if (!this.#isOneServer()) return;
    this.subscriptions.pushesUp();
    calls.wake(pushes);
    health.mend('pushes');
  }

  #pushesDown(error: Error, wasUp: boolean): void {
    const { health, counters } = this.#parts;
    if (wasUp) {
      counters.reconnects += 1;
      this.#markers.lost();
      this.subscriptions.pushesDown();
      this.publisher.open.pushesDown();
    }
    health.fail('pushes', this.#reasonOf(error));
  }

  /** After a failover one connection may still be with the server of before: it would hear nothing. */
  #isOneServer(): boolean {
    const { commands, pushes } = this.#parts;
    const [one, other] = [commands.connection?.facts.runId, pushes.connection?.facts.runId];
    if (one === undefined || other === undefined || one === other || one === '' || other === '') return true;
    pushes.replace(new BrokerLost('the two connections were with different servers'));
    return false;
  }

  #reasonOf(error: Error): string {
    const { place } = this.#parts.settings.address;
    if (error instanceof BrokerRefusal) return `Redis at ${place} refused: ${error.message}`;
    return `no connection to Redis at ${place}: ${error.message}`;
  }

  #inTime<T>(promise: Promise<T>): Promise<T> {
    const { context, settings } = this.#parts;
    return withDeadline(context.clock, settings.deadlineMs, promise, () => new BrokerLost('it does not answer'));
  }

  // ── The lease, and the probe that goes with it ────────────────────────────────────────────────────────────────────

  async #renew(): Promise<void> {
    const { commands, pushes, health } = this.#parts;
    const { connection } = commands;
    if (connection === undefined) return;
    if (this.#isRenewing) return this.#lookForSilence();
    this.#isRenewing = true;
    const { connection: heard } = pushes;
    if (heard !== undefined && this.#probe !== undefined && !this.#probe.isAnswered) {
      this.#parts.counters.probesLost += 1;
      this.#probe = undefined;
      pushes.replace(new BrokerLost('what was published to this node did not come back'));
    }
    this.#probes += 1;
    const id = pushes.connection === undefined ? '' : String(this.#probes);
    let lease: LeaseReply | undefined;
    try {
      const renewing = this.membership.renew(connection, id);
      const probe = { id, isAnswered: false };
      if (id !== '') this.#probe = probe;
      lease = await renewing;
      health.mend('answers');
      health.mend('lease');
      this.#noteLease(lease);
    } catch (error) {
      this.#failed('lease', error);
      this.#probe = undefined;
    } finally {
      this.#isRenewing = false;
    }
    if (lease !== undefined) await this.#repair(connection, lease);
  }

  /** A refusal counts until the same thing is granted, whatever else is answered; a connection that is lost says so itself. */
  #failed(what: 'lease' | 'members', error: unknown): void {
    const { health, context } = this.#parts;
    if (error instanceof BrokerRefusal) health.fail(what, `Redis refused: ${error.message}`);
    else if (!(error instanceof BrokerLost) && !(error instanceof LayerError)) context.report(error);
  }

  /** A server that has not answered for as long as a lease is given up; TCP may hold on to it for ever. */
  #lookForSilence(): void {
    const { commands, pushes, settings, context, health } = this.#parts;
    const silentMs = context.clock.monotonic() - this.#renewedAtMs;
    if (silentMs >= Math.min(settings.deadlineMs, settings.leaseMs)) {
      health.fail('answers', `Redis has not answered for ${Math.round(silentMs)} ms`);
    }
    if (silentMs < Math.max(settings.leaseMs, settings.deadlineMs)) return;
    commands.replace(new BrokerLost('it does not answer'));
    pushes.replace(new BrokerLost('it does not answer'));
  }

  #noteLease(lease: LeaseReply): void {
    this.#renewedAtMs = this.#parts.context.clock.monotonic();
    this.orders.brokerTime = lease;
    this.#parts.health.nodes = lease.live;
  }

  /** What the broker has lost of this node, or has left of others. However long it takes, the lease is renewed meanwhile. */
  async #repair(connection: BrokerConnection, lease: LeaseReply): Promise<void> {
    const { counters, context, health } = this.#parts;
    const groups = [...context.local.groups()].length;
    if (lease.hasLapsed) counters.leaseLapses += 1;
    if (this.#isRepairing) return;
    this.#isRepairing = true;
    try {
      if (lease.hasLapsed || (lease.groups < groups && this.membership.isQuiet))
        await this.membership.replaceAll(connection);
      await this.membership.sweep(lease.lapsed);
      health.mend('members');
    } catch (error) {
      this.#failed('members', error);
    } finally {
      this.#isRepairing = false;
    }
  }

  #every(name: string, ms: number, run: () => Promise<void> | undefined): void {
    const { clock } = this.#parts.context;
    const again = async (): Promise<void> => {
      const running = run();
      if (!this.#isClosed) this.#timers.set(name, this.#parts.context.clock.setTimeout(go, ms, `redis ${name}`));
      await running;
    };
    const go = (): void => {
      again().catch((error: unknown) => this.#parts.context.report(error));
    };
    this.#timers.set(name, clock.setTimeout(go, ms, `redis ${name}`));
  }

  // ── What is pushed ────────────────────────────────────────────────────────────────────────────────────────────────

  #pushed(channel: string, payload: Buffer): void {
    if (channel !== this.#channel) return this.subscriptions.pushed(channel, payload);
    const push = decodeNodePush(payload);
    if (push === undefined) return this.subscriptions.malformed(channel);
    switch (push.kind) {
      case 'probe':
        if (this.#probe?.id === push.id) this.#probe = { id: push.id, isAnswered: true };
        return;
      case 'marker':
        return this.#markers.came(push.id, push.position);
      case 'order':
        if (!this.orders.obey(push.expiresMs, push.order)) this.subscriptions.malformed(channel);
        return;
      case 'answer':
        if (!this.orders.answered(push.answer)) this.subscriptions.malformed(channel);
    }
  }
}
