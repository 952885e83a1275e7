import type { SimEvent } from '../api/event.ts';
import { Digest } from '../tape/seed.ts';

const stampPattern = /~c\d+\.[\d.]+~/g;
const none: readonly string[] = [];

/** The stamps in a text, in order. */
export function stampsIn(text: string): readonly string[] {
  return text.includes('~c') ? (text.match(stampPattern) ?? none) : none;
}

/** Writes down what happens in one run: a digest always, the events where somebody reads them. */
export class Recorder {
  readonly history: SimEvent[] = [];
  readonly digest: Digest = new Digest();
  readonly #keeps: boolean;
  events: number = 0;
  deliveries: number = 0;
  errors: number = 0;

  constructor({ keeps }: { keeps: boolean }) {
    this.#keeps = keeps;
  }

  get isKeeping(): boolean {
    return this.#keeps;
  }

  note(event: SimEvent): void {
    this.events += 1;
    if (event.e === 'recv') this.deliveries += 1;
    if (event.e === 'error') this.errors += 1;
    if (!this.#keeps) return;
    this.digest.add(lineOf(event));
    this.history.push(event);
  }

  /** Counts what is not worth an object of its own. */
  countDeliveries(count: number): void {
    this.events += count;
    this.deliveries += count;
  }
}

/** What the digest sees. An error's words may differ between versions of the engine. */
function lineOf(event: SimEvent): string {
  const head = `${event.t} ${event.e}`;
  switch (event.e) {
    case 'send':
    case 'recv':
      return `${head} ${event.c} ${event.conn} ${event.of ?? ''} ${event.text}`;
    case 'deliver':
      return `${head} ${event.no} ${event.node} ${event.group} ${event.members.join()} ${event.position?.epoch} ${event.position?.offset}`;
    case 'join':
    case 'leave':
      return `${head} ${event.node} ${event.c} ${event.conn} ${event.group}`;
    case 'error':
      return `${head} ${event.node} ${event.c ?? ''}`;
    case 'fault':
      return `${head} ${event.fault} ${event.c ?? ''} ${event.node ?? ''}`;
    case 'boot':
    case 'crash':
      return `${head} ${event.node}`;
    case 'heal':
    case 'rest':
      return head;
    case 'denied':
      return `${head} ${event.c} ${event.conn} ${event.status}`;
    case 'close':
    case 'gone':
    case 'serverClose':
      return `${head} ${event.c} ${event.conn} ${event.code}`;
    default:
      return `${head} ${event.c} ${event.conn} ${event.node ?? ''}`;
  }
}
