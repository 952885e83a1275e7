/** Moves everything between clients and app, in the order in which it was sent; what is sent in a turn arrives after it. */
export class Pump {
  #tasks: (() => void)[] = [];
  #isArmed: boolean = false;

  /** Something is on its way. */
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
