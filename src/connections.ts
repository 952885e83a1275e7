import type { Box } from './channel/box.ts';
import { Admission, type AdmissionRules, type Rejection } from './admission/admission.ts';
import { Drain, spread, type DrainOptions, type DrainReport } from './drain.ts';
import { FrameError, isA, isFromOutside, WebSocketDisconnect } from './errors.ts';
import type { AppSnapshot, AppView, Limits, WhenEnded } from './api.ts';
import { MemoryBudget } from './admission/memory-budget.ts';
import { Answers } from './transport/node/answers.ts';
import { Arrivals } from './transport/node/arrivals.ts';
import type { AppLog } from './log/app-log.ts';
import { FaultLog } from './log/fault-log.ts';
import { CallWatch, SiteBudget, type CallOwner } from './log/call-watch.ts';
import { RefusalLog, type RefusalEntry } from './log/refusal-log.ts';
import { resolveLimits } from './limits.ts';
import type { Denial, ErrorContext, Probe } from './probe.ts';
import type { RefusalReason, Tally } from './protocol/counters.ts';
import type { Destination, RouteTable } from './router/table.ts';
import { closeCode, failureCode, invalidCode } from './protocol/close-code.ts';
import { isResponse } from './handshake/accept.ts';
import type { SocketHost } from './socket/host.ts';
import { ServerWebSocket } from './socket/websocket.ts';
import type { Upgrade } from './transport/transport.ts';
import { quiet, type Watch } from './promise.ts';

/** What an app lends to its connections. */
export interface ConnectionContext {
  readonly box: Box;
  readonly routes: RouteTable;
  readonly limits: Limits;
  readonly admission: AdmissionRules;
  readonly log: AppLog;
  readonly counters: Tally;
  readonly onError: ((error: unknown, context: ErrorContext) => void) | undefined;
}

/** Upgrades arrive here: they are turned away, or served from the first middleware to the last hook. */
export class ConnectionManager implements CallOwner {
  readonly #view: AppView;
  readonly #context: ConnectionContext;
  readonly #host: SocketHost;
  readonly #sockets = new Set<ServerWebSocket>();
  readonly #faults: FaultLog;
  readonly #sites = new SiteBudget();
  readonly #refusals: RefusalLog;
  readonly #routeLimits = new Map<Destination, Limits>();
  /** Transports that wait for the end of a connection. */
  readonly #waiting = new Map<ServerWebSocket, () => void>();
  /** Those that have ended, or were never let in, and whose handler still runs. */
  readonly #lingering = new Set<ServerWebSocket>();
  /** Of these, who was waited for in vain. */
  readonly #givenUp = new Set<ServerWebSocket>();
  readonly #admission: Admission;
  readonly #stores: MemoryBudget;
  /** Refusals that are on their way. */
  readonly answers: Answers;
  /** Whoever has connected and not asked yet. */
  readonly arrivals: Arrivals = new Arrivals();
  #handlers = 0;
  #drain: Drain | undefined;
  #turnedAway = 0;

  constructor(view: AppView, context: ConnectionContext) {
    this.#view = view;
    this.#context = context;
    this.#admission = new Admission(context.limits, context.admission);
    const { box, limits } = context;
    this.answers = new Answers({
      scheduler: box.scheduler,
      timeoutMs: limits.closeTimeoutMs,
      grew: () => this.#stores.look(),
    });
    this.#stores = new MemoryBudget({
      memoryBudgetBytes: context.admission.memoryBudgetBytes,
      sockets: this.#sockets,
      lingering: this.#lingering,
      outsiders: [this.answers, this.arrivals],
      turn: box.scheduler.turn,
      historyBytes: () => box.layer.historyBytes,
    });
    const { log, counters, onError } = context;
    this.#faults = new FaultLog({ log, counters, onError, probe: () => this.probe });
    this.#refusals = new RefusalLog(context.box.scheduler, log);
    this.#host = this.#makeHost();
  }

  get probe(): Probe | undefined {
    return this.#host.probe;
  }

  set probe(probe: Probe | undefined) {
    this.#host.probe = probe;
  }

  /** Of everybody who has asked to be let in. */
  get sockets(): ReadonlySet<ServerWebSocket> {
    return this.#sockets;
  }

  get faults(): FaultLog {
    return this.#faults;
  }

  get snapshot(): Pick<AppSnapshot, 'connections' | 'bufferedBytes' | 'inboundBytes' | 'headerBytes' | 'handlers'> {
    const { bufferedBytes, inboundBytes, headerBytes } = this.#stores.held;
    return {
      connections: this.#sockets.size + this.answers.count,
      bufferedBytes: bufferedBytes + this.answers.bytes,
      inboundBytes: inboundBytes + this.arrivals.bytes,
      headerBytes,
      handlers: this.#handlers,
    };
  }

  /** @param tell called when the handler and its hooks have ended, or the answer is out */
  handleUpgrade(asked: Upgrade, tell?: () => void): void {
    this.#context.routes.freeze();
    const upgrade = this.probe?.upgrade?.(asked) ?? asked;
    const match = this.#context.routes.match(upgrade.path ?? upgrade.url.pathname);
    if (match === undefined) return this.#reject(upgrade, { status: 404, by: 'route' }, tell);
    if (this.#drain !== undefined) return this.#reject(upgrade, { status: 503, by: 'draining' }, tell);
    const refusal = this.#admission.refusalOf(upgrade, this.#sockets.size + this.answers.count) ?? this.#unopened;
    if (refusal !== undefined) return this.#reject(upgrade, refusal, tell);
    const { destination, params } = match;
    const socket = new ServerWebSocket(this.#host, {
      upgrade,
      params,
      route: destination.path,
      limits: this.#limitsOf(destination),
    });
    this.#sockets.add(socket);
    this.#stores.wrote(socket);
    this.#admission.admit(socket, upgrade);
    this.#handlers += 1;
    const { probe } = this;
    if (probe?.run === undefined) return this.#serve(socket, destination, tell);
    void probe.run(socket, () => new Promise((resolve) => this.#serve(socket, destination, resolve))).then(tell);
  }

  /** A handshake that never came to be one. */
  refuse(
    status: number,
    { path, client, fault }: { path: string; client: RefusalEntry['client']; fault: string },
  ): void {
    this.#context.counters.refused['bad-handshake'] += 1;
    this.#refusals.note('bad-handshake', { status, path, client, values: { fault } });
  }

  get #unopened(): Rejection | undefined {
    if (this.#context.box.opening !== undefined) return { status: 503, by: 'limit', values: { layer: 'not open yet' } };
    const { memoryBudgetBytes } = this.#context.admission;
    return this.#stores.isSpent ? { status: 503, by: 'limit', values: { memoryBudgetBytes } } : undefined;
  }

  /** From here on everybody new is turned away. */
  drain(options: DrainOptions): Promise<DrainReport> {
    this.#drain ??= new Drain(this.#context.box.scheduler, {
      sockets: () => this.#sockets,
      handlers: () => this.#handlers - this.#givenUp.size,
      running: () => this.#giveUp(),
    });
    const draining = this.#drain.run(options);
    void draining.then(() => this.answers.cut(), ignore);
    return draining;
  }

  /** Those who are still at it have had their time: whatever ends the app next does not wait for them again. */
  #giveUp(): ErrorContext[] {
    const all = [...this.#sockets, ...this.#lingering];
    const running = all.filter(({ progress, inbox }) => progress !== 'over' && !inbox.isBetweenFrames);
    for (const socket of running) this.#givenUp.add(socket);
    return running.map(({ id, route, hook }) => ({ connection: id, route, hook }));
  }

  /** Runs what the route leads to. Where nobody waits for the end, an idle consumer costs no promise. */
  #serve(socket: ServerWebSocket, { serve, middleware }: Destination, tell?: () => void): void {
    if (tell !== undefined) this.#waiting.set(socket, tell);
    socket.hook = middleware.length > 0 ? 'middleware' : 'handler';
    try {
      serve(socket, socket.params, this.#whenEnded);
    } catch (error) {
      this.#whenEnded(socket, { error });
    }
    if (socket.phase === 'pending') this.#expectAnswer(socket);
  }

  readonly #whenEnded: WhenEnded = (ws, failure) => void this.#finish(ws as ServerWebSocket, failure);

  async #finish(socket: ServerWebSocket, failure: { readonly error: unknown } | undefined): Promise<void> {
    try {
      if (failure !== undefined) await this.#failed(socket, failure.error);
      if (socket.phase === 'pending')
        await socket.refuse(answer(403), { by: socket.progress === 'reached' ? 'returned' : 'middleware' });
      else void socket.close();
    } catch (error) {
      this.#faults.report(socket, error, socket.hook);
    }
    this.#handlers -= 1;
    socket.progress = 'over';
    this.#lingering.delete(socket);
    this.#givenUp.delete(socket);
    if (!socket.wasAccepted) this.#forget(socket);
    this.#drain?.check();
    this.#waiting.get(socket)?.();
    this.#waiting.delete(socket);
  }

  /** The handler is thinking: the client may leave meanwhile, and may not wait for ever. */
  #expectAnswer(socket: ServerWebSocket): void {
    const { signal } = socket.upgrade;
    if (signal.aborted) return socket.leaveUnanswered();
    signal.addEventListener('abort', () => socket.leaveUnanswered(), { once: true });
    socket.waitFor(socket.limits.acceptTimeoutMs);
  }

  async #failed(socket: ServerWebSocket, error: unknown): Promise<void> {
    if (isA(error, WebSocketDisconnect)) return;
    if (isResponse(error)) return this.#answer(socket, error);
    if (isA(error, FrameError) && socket.wasAccepted) {
      this.#faults.note(socket, 'invalid frame', error);
      void socket.close(invalidCode(error));
      return;
    }
    if (isFromOutside(error)) {
      this.#faults.refusedInput(socket, error, socket.hook);
      if (socket.phase === 'pending') await socket.refuse(answer(400), { by: 'threw' });
      else void socket.close(closeCode.policyViolation);
      return;
    }
    await this.#fail(socket, error, { hook: socket.hook, what: 'a handler failed' });
  }

  /** A `Response` that the app's code returned or threw: before the accept it is the answer, after it nothing. */
  async #answer(socket: ServerWebSocket, response: Response): Promise<void> {
    if (socket.phase !== 'pending') return;
    try {
      await socket.deny(response);
    } catch (error) {
      await this.#fail(socket, error, { hook: socket.hook, what: 'a handler failed' });
    }
  }

  /** A mistake of the app's own code costs its socket. */
  async #fail(socket: ServerWebSocket, error: unknown, { hook, what }: { hook: string; what: string }): Promise<void> {
    this.#faults.report(socket, error, hook, what);
    if (socket.phase === 'pending') await socket.refuse(answer(500), { by: 'threw', error });
    else void socket.close(failureCode(error));
  }

  /** For a call of the app, on a socket or on none, that fails and may not be awaited. */
  watch(socket: ServerWebSocket | undefined, call: string): Watch {
    return new CallWatch(this, socket, call);
  }

  remembersSite(): boolean {
    return this.#sites.take(this.probe, this.#context.box.scheduler.clock.monotonic());
  }

  /** Runs `task` when this turn ends. */
  atEnd(task: () => void): void {
    this.#context.box.scheduler.turn.atEnd(task);
  }

  /** A call of the app failed, and nobody awaited it. */
  unseen(error: unknown, { connection, call, hook }: CallWatch): void {
    const socket = connection as ServerWebSocket | undefined;
    const what = `${call}() failed, and nobody awaited it`;
    if (isA(error, WebSocketDisconnect)) return;
    if (socket === undefined) this.#faults.reportOutside(error, hook, what);
    else if (isA(error, FrameError) && socket.wasAccepted) void this.#failed(socket, error);
    else void quiet(this.#fail(socket, error, { hook, what }));
  }

  #reject(upgrade: Upgrade, { status, by, values = {} }: Rejection, tell: () => void = ignore): void {
    this.#refused(upgrade, by, { status, values });
    this.probe?.denied?.(upgrade, { by });
    upgrade.deny(answer(status, status === 503 ? this.#retryAfter() : {})).then(tell, tell);
  }

  #refused(upgrade: Upgrade, by: RefusalReason, { status, values }: Pick<RefusalEntry, 'status' | 'values'>): void {
    this.#context.counters.refused[by] += 1;
    const { path = upgrade.url.pathname, client } = upgrade;
    this.#refusals.note(by, { status, path, client, ...(values !== undefined && { values }) });
  }

  /** Who is turned away for a while comes back after one to five seconds, not all in the same one. */
  #retryAfter(): Record<string, string> {
    this.#turnedAway += 1;
    return { 'retry-after': String(1 + Math.floor(spread(this.#turnedAway) * 5)) };
  }

  #ended(socket: ServerWebSocket): void {
    this.#forget(socket);
    if (socket.progress !== 'over') this.#lingering.add(socket);
    this.#drain?.check();
  }

  #forget(socket: ServerWebSocket): void {
    if (this.#sockets.delete(socket)) this.#stores.forget(socket);
    this.#admission.release(socket);
  }

  #limitsOf(destination: Destination): Limits {
    if (destination.limits === undefined) return this.#context.limits;
    let limits = this.#routeLimits.get(destination);
    if (limits === undefined) {
      limits = resolveLimits(this.#context.limits, destination.limits);
      this.#routeLimits.set(destination, limits);
    }
    return limits;
  }

  #makeHost(): SocketHost {
    const { box } = this.#context;
    return {
      view: this.#view,
      box,
      scheduler: box.scheduler,
      probe: undefined,
      counters: this.#context.counters,
      stores: this.#stores,
      clientOf: (upgrade) => this.#admission.clientOf(upgrade),
      denied: (socket, denial, status) => {
        this.#refused(socket.upgrade, denial.by, { status, values: whyRefused(socket as ServerWebSocket, denial) });
        this.#forget(socket as ServerWebSocket);
        if ((socket as ServerWebSocket).progress !== 'over') this.#lingering.add(socket as ServerWebSocket);
        this.probe?.denied?.(socket.upgrade, denial);
      },
      left: (socket) => {
        this.#refused(socket.upgrade, 'left', { status: undefined, values: { route: socket.route } });
        this.#ended(socket as ServerWebSocket);
      },
      ended: (socket) => this.#ended(socket as ServerWebSocket),
      note: (socket, what, error) => this.#faults.note(socket, what, error),
      refusedInput: (socket, error, hook) => this.#faults.refusedInput(socket, error, hook),
      watch: (socket, call) => this.watch(socket as ServerWebSocket, call),
      report: (socket, error, hook) => this.#faults.report(socket, error, hook),
    };
  }
}

function whyRefused({ route, limits }: ServerWebSocket, { by, code }: Denial): object {
  const { acceptTimeoutMs } = limits;
  return { route, ...(code !== undefined && { code }), ...(by === 'timeout' && { acceptTimeoutMs }) };
}

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers });
}

function ignore(): void {}
