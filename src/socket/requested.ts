import type { Box } from '../channel/box.ts';
import type { AppView, ChannelBox, Limits, Params, Scope, State } from '../api.ts';
import type { Scheduler } from '../time/scheduler.ts';
import type { Denial, Probe, ProbedConnection } from '../probe.ts';
import type { Upgrade } from '../transport/transport.ts';
import { RequestView } from './request.ts';

/** What a socket needs of its app. */
export interface SocketHost {
  readonly view: AppView;
  readonly box: Box;
  readonly scheduler: Scheduler;
  readonly probe: Probe | undefined;
  count(event: string): void;
  denied(socket: ProbedConnection, denial: Denial): void;
  /** It can no longer be written to or read from. */
  ended(socket: ProbedConnection): void;
  /** An error of the app's own code that no promise carries. */
  report(socket: ProbedConnection, error: unknown, hook: string): void;
}

export interface SocketRequest {
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  readonly limits: Limits;
}

/** A socket's request, and the app that it came to. What nobody asks for is never made. */
export abstract class RequestedSocket {
  readonly limits: Limits;
  readonly upgrade: Upgrade;
  readonly route: string | undefined;
  readonly params: Params;
  protected readonly host: SocketHost;
  #bag: State | undefined = undefined;
  #request: RequestView | undefined = undefined;

  constructor(host: SocketHost, request: SocketRequest) {
    this.host = host;
    this.upgrade = request.upgrade;
    this.route = request.route;
    this.params = request.params;
    this.limits = request.limits;
  }

  get url(): URL {
    return this.#asked.url;
  }

  get path(): string {
    return this.#asked.url.pathname;
  }

  get pathParams(): Params {
    return this.params;
  }

  get query(): URLSearchParams {
    return this.#asked.url.searchParams;
  }

  get queryParams(): URLSearchParams {
    return this.#asked.url.searchParams;
  }

  get headers(): Headers {
    return this.#asked.headers;
  }

  get client(): { readonly host: string; readonly port: number } {
    return this.upgrade.client;
  }

  get subprotocols(): readonly string[] {
    return this.#asked.subprotocols;
  }

  get scope(): Scope {
    return this.#asked.scope;
  }

  get app(): AppView {
    return this.host.view;
  }

  get channelBox(): ChannelBox {
    return this.host.box;
  }

  get scheduler(): Scheduler {
    return this.host.scheduler;
  }

  get probe(): Probe | undefined {
    return this.host.probe;
  }

  get state(): State {
    this.#bag ??= {};
    return this.#bag;
  }

  set state(state: State) {
    this.#bag = state;
  }

  get #asked(): RequestView {
    this.#request ??= new RequestView(this.upgrade, this.params, () => this.state);
    return this.#request;
  }
}
