import { syncBuiltinESMExports } from 'node:module';

interface Patched {
  readonly owner: object;
  readonly name: PropertyKey;
  /** As it was; undefined: it was inherited. */
  readonly before: PropertyDescriptor | undefined;
}

/** Patches are properties that stand for others for a while. What was there comes back by identity. */
export class Patches {
  readonly #patched: Patched[] = [];
  readonly #undone: (() => void)[] = [];

  /** Leaves out what this version of Node does not have, or does not let go. */
  replace(owner: object | undefined, name: PropertyKey, make: (original: never) => unknown): void {
    const original = owner === undefined ? undefined : (owner as Record<PropertyKey, unknown>)[name];
    if (owner === undefined || original === undefined) return;
    const value = make(original as never);
    if (typeof value === 'function' && typeof original === 'function' && value !== original) keepShape(value, original);
    this.define(owner, name, { value, writable: true, configurable: true, enumerable: true });
  }

  define(owner: object, name: PropertyKey, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    if (before?.configurable === false) return;
    const enumerable = before?.enumerable ?? descriptor.enumerable ?? false;
    Object.defineProperty(owner, name, { ...descriptor, enumerable });
    this.#patched.push({ owner, name, before });
  }

  /** For what is no property. */
  onRestore(undo: () => void): void {
    this.#undone.push(undo);
  }

  /** Modules that import a name of Node's own see what stands for it only after this. */
  publish(): void {
    syncBuiltinESMExports();
  }

  restore(): void {
    for (const { owner, name, before } of this.#patched.toReversed()) {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    }
    this.#patched.length = 0;
    for (const undo of this.#undone.splice(0)) undo();
    syncBuiltinESMExports();
  }
}

/** Node keeps promisified forms and the like on its functions. */
function keepShape(value: object, original: object): void {
  if (Object.getOwnPropertyNames(value).includes('prototype') && !('call' in value)) return;
  for (const key of Reflect.ownKeys(original)) {
    if (Object.hasOwn(value, key) && key !== 'name' && key !== 'length') continue;
    const descriptor = Object.getOwnPropertyDescriptor(original, key);
    if (descriptor === undefined) continue;
    try {
      Object.defineProperty(value, key, descriptor);
    } catch {
      // A name that cannot be taken over changes nothing that a call does.
    }
  }
}
