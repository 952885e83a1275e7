const everyMs = 20;

/** How long this process did not run though it wanted to, all in all: what it could not do anything about. */
export class LateTime {
  #totalMs = 0;
  #dueMs = performance.now() + everyMs;

  constructor() {
    setInterval(() => this.#look(), everyMs).unref();
  }

  get totalMs(): number {
    this.#look();
    return this.#totalMs;
  }

  #look(): void {
    const nowMs = performance.now();
    if (nowMs > this.#dueMs) this.#totalMs += nowMs - this.#dueMs;
    if (nowMs >= this.#dueMs) this.#dueMs = nowMs + everyMs;
  }
}
