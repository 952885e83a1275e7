/** A node tells how it stands with its Redis, at one moment. */
export interface RedisHealth {
  /** `up`: publishes are taken and everything subscribed is verified. `recovering`: taken, but some groups still catch up. */
  readonly status: 'starting' | 'up' | 'recovering' | 'down' | 'closed';
  /** One line for people, without credentials; undefined when up. */
  readonly reason: string | undefined;
  /** Unix milliseconds of the last change of status. */
  readonly sinceMs: number;
  /** Groups that catch up. */
  readonly behind: number;
  /** Nodes with a live lease, this one included, at the last renewal. */
  readonly nodes: readonly string[];
  /**
   * What in this Redis threatens the promises: eviction policy, persistence with trustPersistence, too small an output
   * buffer, no INFO.
   */
  readonly warnings: readonly string[];
}

/** What a node has counted since it was opened. */
export interface RedisMetrics {
  readonly published: number;
  readonly received: number;
  readonly delivered: number;
  /** Received again and dropped. */
  readonly duplicates: number;
  /** Holes found, by a message or by comparing. */
  readonly gaps: number;
  /** Messages delivered from history after a hole. */
  readonly recovered: number;
  /** Groups whose epoch changed under members. */
  readonly resets: number;
  /** Not saved, and known to be lost on the way to this node; connection losses count 1 each. */
  readonly unsavedLost: number;
  /** Foreign or broken envelopes. */
  readonly malformed: number;
  readonly reconnects: number;
  /** Times the subscribe connection was given up because a probe did not come back. */
  readonly probesLost: number;
  /** Publishes asked for again by their uuid after a connection went. */
  readonly retried: number;
  readonly notSent: number;
  readonly unknown: number;
  readonly deadlines: number;
  readonly leaseLapses: number;
  readonly nodesSwept: number;
  readonly subscribedGroups: number;
}

export type HealthCounters = { -readonly [Name in keyof RedisMetrics]: number };

export function noCounters(): HealthCounters {
  return {
    published: 0,
    received: 0,
    delivered: 0,
    duplicates: 0,
    gaps: 0,
    recovered: 0,
    resets: 0,
    unsavedLost: 0,
    malformed: 0,
    reconnects: 0,
    probesLost: 0,
    retried: 0,
    notSent: 0,
    unknown: 0,
    deadlines: 0,
    leaseLapses: 0,
    nodesSwept: 0,
    subscribedGroups: 0,
  };
}

type Status = RedisHealth['status'];

/** What is known of the way to the broker, and who wants to hear of its changes. */
export class HealthRecord {
  nodes: readonly string[] = [];
  warnings: readonly string[] = [];
  /** Why what is down is down; one for each thing that can be. */
  readonly #faults = new Map<string, string>();
  readonly #listeners = new Set<(health: RedisHealth) => void>();
  readonly #nowMs: () => number;
  readonly #secrets: readonly string[];
  readonly #report: (error: unknown) => void;
  #behind = 0;
  #isClosed = false;
  #hasBeenUp = false;
  #status: Status = 'starting';
  #sinceMs: number;

  constructor(options: { nowMs: () => number; secrets: readonly string[]; report: (error: unknown) => void }) {
    this.#nowMs = options.nowMs;
    this.#secrets = options.secrets;
    this.#report = options.report;
    this.#sinceMs = options.nowMs();
    this.#faults.set('commands', 'not connected yet');
    this.#faults.set('pushes', 'not connected yet');
  }

  get current(): RedisHealth {
    return {
      status: this.#status,
      reason: this.#reason(),
      sinceMs: this.#sinceMs,
      behind: this.#behind,
      nodes: [...this.nodes],
      warnings: [...this.warnings],
    };
  }

  get isUp(): boolean {
    return this.#faults.size === 0;
  }

  /** @returns its own end */
  onChange(listener: (health: RedisHealth) => void): () => void {
    const own = (health: RedisHealth): void => listener(health);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  fail(what: string, reason: string): void {
    this.#faults.set(what, this.hide(reason));
    this.#settle();
  }

  mend(what: string): void {
    if (this.#faults.delete(what)) this.#settle();
  }

  set behind(count: number) {
    if (this.#behind === count) return;
    this.#behind = count;
    this.#settle();
  }

  close(): void {
    this.#isClosed = true;
    this.#settle();
  }

  /** Credentials have no place in a message. */
  hide(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  }

  #reason(): string | undefined {
    if (this.#status === 'up') return undefined;
    if (this.#status === 'closed') return 'closed';
    const [first] = this.#faults.values();
    return first ?? `${this.#behind} groups catch up`;
  }

  #settle(): void {
    const status = this.#next();
    if (status === 'up' || status === 'recovering') this.#hasBeenUp = true;
    if (status === this.#status) return;
    this.#status = status;
    this.#sinceMs = this.#nowMs();
    for (const listener of this.#listeners) {
      try {
        listener(this.current);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #next(): Status {
    if (this.#isClosed) return 'closed';
    if (this.#faults.size > 0) {
      const isStarting = !this.#hasBeenUp && [...this.#faults.values()].every((why) => why === 'not connected yet');
      return isStarting ? 'starting' : 'down';
    }
    return this.#behind > 0 ? 'recovering' : 'up';
  }
}
