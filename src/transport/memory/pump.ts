// Kept from before fake timers can replace it: frames travel in real turns.
const { setImmediate } = globalThis;

const portFirst = 50_001;
const portMax = 65_535;

/** Moves everything of one transport, in the order in which it was sent; what is sent in a turn arrives after it. */
export class Pump {
  #tasks: (() => void)[] = [];
  #isArmed = false;
  #port = portFirst;

  /** Where a client pretends to come from: the same numbers in every run. */
  nextPort(): number {
    const port = this.#port;
    this.#port = port === portMax ? portFirst : port + 1;
    return port;
  }

  get isBusy(): boolean {
    return this.#isArmed;
  }

  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
    if (this.#tasks.length > 0) setImmediate(this.#run);
    else this.#isArmed = false;
  };
}

/** Tasks for one end of a connection, in order; they wait while it does not read. */
export class Reader {
  #tasks: (() => void)[] = [];
  #isReading: boolean;
  #isCatchingUp = false;

  constructor({ isReading }: { isReading: boolean }) {
    this.#isReading = isReading;
  }

  /** What comes now has to wait: it does not read, or what came before is not read yet. */
  get isBehind(): boolean {
    return !this.#isReading || this.#tasks.length > 0 || this.#isCatchingUp;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  read(task: () => void): void {
    if (this.isBehind) this.#tasks.push(task);
    else task();
  }

  pause(): void {
    this.#isReading = false;
  }

  resume(): void {
    this.#isReading = true;
  }

  /** Goes on with what waits, as far as it may. */
  catchUp(): void {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    let count = 0;
    for (; this.#isReading && count < this.#tasks.length; count += 1) (this.#tasks[count] as () => void)();
    this.#tasks = this.#tasks.slice(count);
    this.#isCatchingUp = false;
  }
}
