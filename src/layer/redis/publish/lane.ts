import type { Counts, GroupMessage, Position, Published } from '../../layer.ts';

export const nobody: Readonly<Counts> = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };

/** One publish on its way. */
export interface Pending {
  readonly sequence: number;
  readonly group: string;
  readonly message: GroupMessage;
  /** As it travels, with its length before it. */
  readonly item: Buffer;
  /** Of the payload. */
  readonly bytes: number;
  readonly dueMs: number;
  /** Without a connection it waits until then. */
  heldUntilMs: number;
  /** What was known when it was first written: by it a retry tells that nothing else can have happened. */
  attempt: { readonly runId: string; readonly known: Position | undefined } | undefined;
  /** Its answer was lost: the broker is to look whether it has it. */
  isAgain: boolean;
  reply: { readonly nodes: number; readonly position: Position | undefined } | undefined;
  /** Of its delivery here. */
  counts: Counts | undefined;
  /** Its group was subscribed when it was written, so that it comes back. */
  isEchoCertain: boolean;
  /** The connection by which it was to come back is gone. */
  isDeaf: boolean;
  settle(published: Published): void;
  fail(error: Error): void;
}

const batchMax = 128;
const batchBytesMax = 512 * 1024;

/** The publishes of this node to one group, in order. */
export class GroupLane {
  readonly group: string;
  readonly waiting: Pending[] = [];
  isUnderWay: boolean = false;

  constructor(group: string) {
    this.group = group;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && !this.isUnderWay;
  }

  /** What goes in one command. A retry, and what has a key, is looked up at the broker: each goes alone. */
  take(): Pending[] {
    const [first] = this.waiting;
    if (first === undefined) return [];
    if (first.isAgain || first.message.key !== undefined) return this.waiting.splice(0, 1);
    let count = 0;
    let bytes = 0;
    for (const { isAgain, message, item } of this.waiting) {
      if (count === batchMax || isAgain || message.key !== undefined || (bytes += item.length) > batchBytesMax) break;
      count += 1;
    }
    return this.waiting.splice(0, Math.max(1, count));
  }

  forget(pending: Pending): void {
    const index = this.waiting.indexOf(pending);
    if (index !== -1) this.waiting.splice(index, 1);
  }
}
