export type Listener = ((this: unknown, event: Event) => unknown) | { handleEvent?(event: Event): unknown };

/** What `onmessage` and its like hold: any object, of which only a function is called. */
export type PageHandler = object | null;

interface Listening {
  readonly listener: Listener;
  readonly capture: boolean;
  readonly once: boolean;
  isRemoved: boolean;
}

/**
 * The listeners of one object are called as the DOM standard has it
 * (https://dom.spec.whatwg.org/#concept-event-dispatch): in order, each once, none stopped by another's error.
 */
export class Listeners {
  readonly #face: object;
  readonly #failed: (error: unknown, type: string) => void;
  readonly #byType = new Map<string, Listening[]>();
  readonly #handlers = new Map<string, { value: object; readonly listening: Listening }>();

  /** @param failed told of what a listener throws: nobody's call fails of it */
  constructor(face: object, failed: (error: unknown, type: string) => void) {
    this.#face = face;
    this.#failed = failed;
  }

  /** @throws {TypeError} for a listener that is no object, and for a signal that is none */
  add(type: string, listener: unknown, options: unknown): void {
    if (listener === null || listener === undefined) return;
    if (typeof listener !== 'function' && typeof listener !== 'object') {
      throw new TypeError(`addEventListener: a listener is a function or an object, ${typeof listener} came`);
    }
    const { once = false, signal } = (isObject(options) ? options : {}) as { once?: unknown; signal?: unknown };
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError('addEventListener: a signal is an AbortSignal');
    }
    if (signal?.aborted === true) return;
    const capture = captures(options);
    const list = this.#byType.get(type) ?? [];
    if (list.some((other) => other.listener === listener && other.capture === capture)) return;
    this.#append(type, { listener: listener as Listener, capture, once: Boolean(once), isRemoved: false });
    signal?.addEventListener('abort', () => this.remove(type, listener, capture), { once: true });
  }

  remove(type: string, listener: unknown, options: unknown): void {
    const capture = captures(options);
    this.#removeWhere(type, (each) => each.listener === listener && each.capture === capture);
  }

  /** What `on…` holds. */
  handlerOf(type: string): PageHandler {
    return this.#handlers.get(type)?.value ?? null;
  }

  /** Sets `on…`: another one takes the place of the first among the listeners; null, or what is no object, leaves it. */
  setHandler(type: string, value: unknown): void {
    const handler = this.#handlers.get(type);
    if (!isObject(value)) {
      if (handler === undefined) return;
      this.#handlers.delete(type);
      this.#removeWhere(type, (each) => each === handler.listening);
    } else if (handler === undefined) {
      const listener = (event: Event): unknown => this.#callHandler(type, event);
      const listening = { listener, capture: false, once: false, isRemoved: false };
      this.#handlers.set(type, { value, listening });
      this.#append(type, listening);
    } else handler.value = value;
  }

  dispatch(event: Event): boolean {
    const face = this.#face;
    let isStopped = false;
    for (const name of ['target', 'currentTarget', 'srcElement']) {
      Object.defineProperty(event, name, { configurable: true, enumerable: true, value: face });
    }
    Object.defineProperty(event, 'stopImmediatePropagation', {
      configurable: true,
      value: () => {
        isStopped = true;
      },
    });
    // In their order, those that capture too: Chromium puts them first for nodes alone.
    for (const listening of this.#byType.get(event.type) ?? []) {
      if (listening.isRemoved || isStopped) continue;
      if (listening.once) this.#removeWhere(event.type, (each) => each === listening);
      this.#call(listening.listener, event);
    }
    Object.defineProperty(event, 'currentTarget', { configurable: true, enumerable: true, value: null });
    return !event.defaultPrevented;
  }

  #call(listener: Listener, event: Event): void {
    try {
      if (typeof listener === 'function') listener.call(this.#face, event);
      else if (typeof listener.handleEvent === 'function') listener.handleEvent(event);
      else throw new TypeError('the listener is an object without a function handleEvent');
    } catch (error) {
      this.#failed(error, event.type);
    }
  }

  /** One that returns false cancels the event, as in a page. */
  #callHandler(type: string, event: Event): void {
    const value = this.#handlers.get(type)?.value;
    if (typeof value === 'function' && value.call(this.#face, event) === false) event.preventDefault();
  }

  #append(type: string, listening: Listening): void {
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), listening]);
  }

  #removeWhere(type: string, isMeant: (each: Listening) => boolean): void {
    const list = this.#byType.get(type) ?? [];
    for (const each of list) if (isMeant(each)) each.isRemoved = true;
    this.#byType.set(
      type,
      list.filter((each) => !each.isRemoved),
    );
  }
}

function captures(options: unknown): boolean {
  return isObject(options) ? Boolean((options as { capture?: unknown }).capture) : Boolean(options);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
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
