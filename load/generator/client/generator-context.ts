import type { Faker } from '../../scenario/faker.ts';
import type { Plan } from '../../plan/plan.ts';
import type { LoadTime } from '../../time.ts';
import type { Client } from './client.ts';
import type { Dial, DialTls } from '../connection/connection.ts';
import type { Health } from '../measure/health.ts';
import type { Measures } from '../measure/measures.ts';
import type { FromGenerator } from '../../message.ts';

export interface GeneratorOptions {
  readonly plan: Plan;
  /** Which of the plan's processes this is. */
  readonly process: number;
  /** Marks the stamps of this run. */
  readonly run: number;
  readonly targets: readonly TargetAddress[];
  readonly localAddresses: readonly string[];
  readonly tls: DialTls | undefined;
  /** The first so many clients tell their whole conversation. */
  readonly traced: number;
  readonly dial: Dial;
  /** Looks for the stamp in the bytes before it asks the adapter. */
  readonly scans: boolean;
  readonly time: LoadTime;
  readonly health: Health;
  readonly faker: Faker | undefined;
  emit(message: FromGenerator): void;
}

export interface TargetAddress {
  readonly url: string;
  readonly address: string;
}

/** The parts of a generator share this. */
export interface GeneratorCore {
  readonly options: GeneratorOptions;
  readonly measures: Measures;
  readonly startUs: number;
  readonly phase: 'waiting' | 'running' | 'draining' | 'closing' | 'done';
  readonly clients: readonly Client[];
  /** Undefined for a client of another process. */
  client(index: number): Client | undefined;
  nowUs(): number;
  /** Does something at a time of the run's clock. */
  at(atUs: number, run: () => void): void;
  mark(what: string): void;
  /** The scenario is wrong, or we are: the run ends without a report. */
  fail(error: unknown): void;
  /** Begins to leave: in an orderly way, or without a word. */
  leave(client: Client, code: number | 'vanish'): void;
  /** Says once that every planned connect has been answered. */
  tellConnected(): void;
}
