export type Listener = ((this: unknown, event: Event) => unknown) | { handleEvent(event: Event): unknown };

interface Listening {
  readonly listener: Listener;
  readonly once: boolean;
  isRemoved: boolean;
}

/** The listeners of one object, called as the DOM standard has it: in order, each once, none stopped by another's error. */
export class Listeners {
  readonly #face: object;
  readonly #byType = new Map<string, Listening[]>();

  constructor(face: object) {
    this.#face = face;
  }

  add(type: string, listener: Listener | null | undefined, options: unknown): void {
    if (typeof listener !== 'function' && typeof listener?.handleEvent !== 'function') return;
    const { once = false, signal } = (typeof options === 'object' && options !== null ? options : {}) as {
      readonly once?: boolean;
      readonly signal?: AbortSignal;
    };
    if (signal?.aborted === true) return;
    const list = this.#byType.get(type) ?? [];
    if (list.some((other) => other.listener === listener)) return;
    this.#byType.set(type, [...list, { listener, once, isRemoved: false }]);
    signal?.addEventListener('abort', () => this.remove(type, listener), { once: true });
  }

  remove(type: string, listener: Listener | null | undefined): void {
    const list = this.#byType.get(type) ?? [];
    for (const each of list) if (each.listener === listener) each.isRemoved = true;
    this.#byType.set(
      type,
      list.filter((each) => !each.isRemoved),
    );
  }

  dispatch(event: Event): boolean {
    const face = this.#face;
    let isStopped = false;
    for (const name of ['target', 'currentTarget', 'srcElement']) {
      Object.defineProperty(event, name, { configurable: true, enumerable: true, get: () => face });
    }
    Object.defineProperty(event, 'stopImmediatePropagation', {
      configurable: true,
      value: () => {
        isStopped = true;
      },
    });
    for (const listening of this.#byType.get(event.type) ?? []) {
      if (listening.isRemoved || isStopped) continue;
      const { listener } = listening;
      if (listening.once) this.remove(event.type, listener);
      try {
        if (typeof listener === 'function') listener.call(face, event);
        else listener.handleEvent(event);
      } catch (error) {
        // As a page reports it: nobody's call fails, and the runner hears of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return !event.defaultPrevented;
  }
}

/** For a page without one: Node 20 has none. */
export class CloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(type: string, init: { code?: number; reason?: string; wasClean?: boolean } = {}) {
    super(type);
    this.code = init.code ?? 0;
    this.reason = init.reason ?? '';
    this.wasClean = init.wasClean ?? false;
  }
}
