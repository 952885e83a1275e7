/** Something that a test lets happen: whoever waits goes on once it is open. */
export class Gate<T = void> {
  readonly promise: Promise<T>;
  #open: (value: T) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(value: T): void {
    this.#open(value);
  }
}
