import { DeliveryLedger } from '../ledger/ledger.ts';
import { LastReceivers } from '../ledger/last-receiver.ts';
import { plainError } from '../plain-error.ts';
import { stageAt, type Plan } from '../plan/plan.ts';
import { ratePerSecond } from '../scenario/schedule.ts';
import type { LoadTimer } from '../time.ts';
import type { ClientStep } from '../plan/timeline.ts';
import { ChaosDriver } from './chaos-driver.ts';
import type { Client, ClientEvents } from './client/client.ts';
import type { GeneratorCore, GeneratorOptions } from './client/generator-context.ts';
import { Connector } from './connector.ts';
import type { ReceivedMessage } from './connection/connection.ts';
import { Departures } from './departures.ts';
import { LastCloses } from './last-closes.ts';
import { DueQueue } from './client/due-queue.ts';
import { Measures } from './measure/measures.ts';
import type { ToGenerator } from '../message.ts';
import { Receiver } from './receiver.ts';
import { resultOf } from './measure/result.ts';
import { ClientTrace } from './measure/trace.ts';
import { Scripts } from './speaking/scripts.ts';
import { Settler } from './settler.ts';
import { Publisher } from './speaking/publisher.ts';
import { Roster } from './client/roster.ts';

const tickUs = 1e6;
const joinPatienceUs = 10e6;

/** Drives its share of the clients through one run: connects, speaks, reads, settles. Told what to do by messages. */
export class Generator implements GeneratorCore, ClientEvents {
  readonly options: GeneratorOptions;
  readonly measures: Measures;
  readonly #queue: DueQueue = new DueQueue();
  readonly #ledger: DeliveryLedger;
  readonly #roster: Roster;
  readonly #reading: Receiver;
  readonly #speaking: Publisher;
  readonly #settling: Settler;
  readonly #connecting: Connector;
  readonly #departures: Departures;
  readonly #chaos: ChaosDriver;
  readonly #scripts: Scripts;
  startUs: number = 0;
  phase: 'waiting' | 'running' | 'draining' | 'closing' | 'done' = 'waiting';
  #timer: LoadTimer | undefined;
  #timerUs: number = Infinity;
  #endUs: number = Infinity;
  #second: number = 0;
  #isConnectedTold: boolean = false;

  constructor(options: GeneratorOptions) {
    this.options = options;
    const { plan, run, time, faker } = options;
    this.#roster = new Roster(this, plan, options.process);
    this.#ledger = new DeliveryLedger(this.#roster.pairs);
    this.measures = new Measures(new LastReceivers(plannedMessages(plan)), {
      stages: plan.stageMarks.length,
      targets: options.targets.length,
    });
    const shared = { plan, run, measures: this.measures, time };
    const onJoined = (client: Client): void => this.#joined(client);
    const onError = (error: unknown): void => this.fail(error);
    this.#reading = new Receiver({ ...shared, ledger: this.#ledger, scans: options.scans, onJoined, onError });
    this.#speaking = new Publisher({ ...shared, queue: this.#queue, faker, onError });
    this.#settling = new Settler(this, {
      ledger: this.#ledger,
      speaking: this.#speaking,
      reading: this.#reading,
      isQuiet: () => this.#connecting.isQuiet && !this.#connecting.returns.areAwaited,
    });
    this.#connecting = new Connector(this, (client) => this.#settling.retire(client));
    this.#departures = new Departures(this, {
      ledger: this.#ledger,
      speaking: this.#speaking,
      connecting: this.#connecting,
    });
    this.#scripts = new Scripts(this, this.#speaking);
    this.#chaos = new ChaosDriver(this, this.#connecting);
  }

  handle(message: ToGenerator): void {
    switch (message.type) {
      case 'start':
        return this.#start(message.startUs, message.endUs);
      case 'endAt':
        return this.#endAt(message.endUs);
      case 'logs':
        return this.#settling.begin(message.logs, message.lastSendUs);
      case 'close':
        return this.#closeAll();
    }
  }

  get clients(): readonly Client[] {
    return this.#roster.clients;
  }

  client(index: number): Client | undefined {
    return this.#roster.get(index);
  }

  nowUs(): number {
    return this.options.time.nowUs();
  }

  /** Does something at a time of the run's clock. */
  at(atUs: number, run: () => void): void {
    this.#queue.push({ atUs, run });
    this.arm();
  }

  mark(what: string): void {
    this.measures.marks.push({ atMs: Math.round((this.nowUs() - this.startUs) / 1_000), what });
  }

  fail(error: unknown): void {
    if (this.phase === 'done') return;
    this.#end();
    for (const client of this.clients) client.connection?.terminate();
    this.options.emit({ type: 'failed', error: plainError(error) });
  }

  #end(): void {
    this.phase = 'done';
    this.options.health.stop();
    if (this.#timer !== undefined) this.options.time.cancel(this.#timer);
  }

  // What clients tell.

  opened(client: Client): void {
    if (client.state !== 'connecting') return client.connection?.terminate();
    const nowUs = this.nowUs();
    client.open(nowUs);
    const { measures } = this;
    measures.connected += 1;
    measures.openedUs.push(nowUs);
    measures.total.intended += 1;
    measures.total.opened += 1;
    const connectUs = nowUs - client.attemptUs;
    measures.connect.recordUs(connectUs);
    measures.stages[stageAt(this.options.plan, client.attemptUs - this.startUs)]?.connect.recordUs(connectUs);
    measures.targets[client.roomIndex % measures.targets.length]?.connect.recordUs(connectUs);
    this.#connecting.opened(client);
    if (client.isUnwanted || this.phase === 'closing') return this.leave(client, 1000);
    const { adapter } = this.options.plan.scenario;
    if (client.isSlow) client.connection?.pause();
    try {
      for (const frame of client.firstFrames ?? adapter.join?.(client) ?? []) client.send(frame);
    } catch (error) {
      return this.fail(error);
    }
    if (adapter.isJoined === undefined) this.#joined(client);
  }

  frame(client: Client, message: ReceivedMessage): void {
    this.#reading.frame(client, message);
  }

  refused(client: Client, kind: string, message: string): void {
    if (client.state === 'connecting') this.#connecting.refused(client, kind, message);
    this.tellConnected();
  }

  closed(client: Client, code: number): void {
    this.#departures.closed(client, code);
    this.tellConnected();
  }

  leave(client: Client, code: number | 'vanish'): void {
    this.#departures.leave(client, code);
  }

  /** Says once that every planned connect has been answered and every join that will be. */
  tellConnected(): void {
    if (this.#isConnectedTold || this.phase !== 'running' || this.nowUs() < this.startUs + this.options.plan.rampEndUs)
      return;
    if (!this.#connecting.isQuiet || this.#roster.hasJoinPending(this.nowUs() - joinPatienceUs)) return;
    this.#isConnectedTold = true;
    this.options.emit({ type: 'connected', opened: this.measures.total.opened });
    this.#scripts.allConnected();
  }

  #start(startUs: number, endUs: number): void {
    const { plan } = this.options;
    this.startUs = startUs;
    this.options.health.begin();
    this.phase = 'running';
    const warmupEndUs = startUs + plan.scenario.warmupMs * 1_000;
    this.#reading.startUs = startUs;
    this.#reading.warmupEndUs = warmupEndUs;
    this.#trace();
    this.#speaking.warmupEndUs = warmupEndUs;
    this.at(Math.max(startUs, warmupEndUs), () => {
      this.options.health.reset();
      if (warmupEndUs > startUs && this.options.process === 0) this.mark('warm-up ends');
    });
    this.#enqueueSteps(plan.timeline.filter(({ client }) => plan.processOf[client] === this.options.process));
    this.#chaos.enqueue();
    this.at(startUs + tickUs, () => this.#tick());
    this.at(startUs + plan.rampEndUs, () => this.tellConnected());
    this.#endAt(endUs);
  }

  #trace(): void {
    const { traced, emit } = this.options;
    const sink = {
      nowMs: () => (this.nowUs() - this.startUs) / 1_000,
      write: (line: string) => emit({ type: 'trace', line }),
    };
    for (const client of this.clients) if (client.index < traced) client.trace = new ClientTrace(sink, client);
  }

  /** One step in the queue at a time: a long churn needs no memory. */
  #enqueueSteps(steps: readonly ClientStep[], index: number = 0): void {
    const step = steps[index];
    if (step === undefined) return;
    this.at(this.startUs + step.atUs, () => {
      this.#enqueueSteps(steps, index + 1);
      if (this.phase === 'running') this.#connecting.step(step);
    });
  }

  #endAt(endUs: number): void {
    if (this.phase !== 'running') return;
    this.#endUs = Math.min(this.#endUs, endUs);
    this.#speaking.endUs = this.#endUs;
    if (this.#endUs === Infinity) return;
    this.at(Math.max(this.#endUs, this.nowUs()), () => {
      if (this.phase !== 'running' || this.nowUs() < this.#endUs) return;
      this.phase = 'draining';
      this.#connecting.abandon();
      this.options.emit({ type: 'spoken', logs: this.#settling.sharedLogs(), lastSendUs: this.#speaking.lastSendUs });
    });
  }

  #joined(client: Client): void {
    const nowUs = this.nowUs();
    client.join(nowUs);
    this.#connecting.returns.joined(client);
    this.measures.joined += 1;
    const { scenario } = this.options.plan;
    if (scenario.client !== undefined) this.#scripts.run(client, scenario.client);
    else if (this.#speaking.isSpeaker(client)) {
      this.#speaking.begin(client, nowUs);
      this.arm();
    }
    this.tellConnected();
  }

  #tick(): void {
    if (this.phase === 'done') return;
    this.emitTick();
    this.tellConnected();
    this.at(this.startUs + (this.#second + 1) * tickUs, () => this.#tick());
  }

  emitTick(): void {
    const tick = this.measures.tick(this.#second, this.#ledger.missing, this.options.health.second());
    this.#second += 1;
    this.options.emit({ type: 'tick', ...tick });
  }

  #closeAll(): void {
    this.#connecting.giveUp();
    this.#settling.finish();
    const health = this.options.health.whole();
    this.phase = 'closing';
    const closes = new LastCloses(this, this.#departures, this.#roster.clients, () => {
      this.emitTick();
      this.#end();
      const { result, slices } = this.#settling;
      this.options.emit({ type: 'result', result: resultOf(this.measures, result, slices, health) });
    });
    closes.begin();
  }

  /** Sets the timer to what is due next. */
  arm(): void {
    const nextUs = this.#queue.nextUs;
    if (nextUs >= this.#timerUs || this.phase === 'done') return;
    if (this.#timer !== undefined) this.options.time.cancel(this.#timer);
    this.#timerUs = nextUs;
    this.#timer = this.options.time.after(Math.max(0, (nextUs - this.nowUs()) / 1_000), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerUs = Infinity;
    try {
      this.#runDue();
    } catch (error) {
      this.fail(error);
    }
    this.arm();
  };

  #runDue(): void {
    // Half a microsecond for what the clock's fractions of milliseconds lose.
    let due = this.#queue.popUntil(this.nowUs() + 0.5);
    while (due !== undefined && this.phase !== 'done') {
      due.run();
      due = this.#queue.popUntil(this.nowUs() + 0.5);
    }
  }
}

function plannedMessages(plan: Plan): number {
  const { scenario } = plan;
  const speakers = plan.speakersIn.reduce((sum, count) => sum + count, 0);
  return speakers * ratePerSecond(scenario.schedule) * (scenario.plannedMs / 1_000);
}
