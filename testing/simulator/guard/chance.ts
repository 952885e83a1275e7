import crypto from 'node:crypto';
import type { Escaped, Escapes } from './escape.ts';
import type { Patches } from './patches.ts';

function nextOf({ world, node }: Escaped): number {
  return world.tape.chance(`escaped ${node?.name ?? 'client'}`, world.cause);
}

function uuidFor({ world, node }: Escaped): string {
  return world.tape.uuid(`escaped ${node?.name ?? 'client'}`, world.cause);
}

function fill<T extends ArrayBufferView>(escaped: Escaped, view: T): T {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = nextOf(escaped) & 0xff;
  return view;
}

type Told = ((error: Error | null, value: unknown) => void) | undefined;

/** These doors are everything that draws. */
export function guardChance(patches: Patches, escapes: Escapes): void {
  patches.replace(Math, 'random', (original: () => number) => {
    const random = function random(): number {
      const escaped = escapes('Math.random', random);
      return escaped === undefined ? original() : nextOf(escaped) / 2 ** 32;
    };
    return random;
  });
  guardWeb(patches, escapes);
  guardNode(patches, escapes);
}

function guardWeb(patches: Patches, escapes: Escapes): void {
  const { webcrypto } = crypto;
  patches.replace(webcrypto, 'randomUUID', (original: () => string) => {
    const randomUUID = function (): string {
      const escaped = escapes('crypto.randomUUID', randomUUID);
      return escaped === undefined ? original.call(webcrypto) : uuidFor(escaped);
    };
    return randomUUID;
  });
  // The one of `node:crypto` cannot be replaced, and calls this one.
  patches.replace(webcrypto, 'getRandomValues', (original: <T>(view: T) => T) => {
    const getRandomValues = function <T extends ArrayBufferView>(view: T): T {
      const escaped = escapes('crypto.getRandomValues', getRandomValues, 'node:crypto');
      return escaped === undefined ? (original.call(webcrypto, view) as T) : fill(escaped, view);
    };
    return getRandomValues;
  });
}

function guardNode(patches: Patches, escapes: Escapes): void {
  patches.replace(crypto, 'randomUUID', (original: (options?: object) => string) => {
    const randomUUID = function (options?: object): string {
      const escaped = escapes('crypto.randomUUID', randomUUID);
      return escaped === undefined ? original(options) : uuidFor(escaped);
    };
    return randomUUID;
  });
  patches.replace(crypto, 'randomBytes', (original: (size: number, told?: Told) => unknown) => {
    const randomBytes = function (size: number, told?: Told): unknown {
      const escaped = escapes('crypto.randomBytes', randomBytes);
      if (escaped === undefined) return told === undefined ? original(size) : original(size, told);
      const bytes = fill(escaped, Buffer.alloc(size));
      return told === undefined ? bytes : queueMicrotask(() => told(null, bytes));
    };
    return randomBytes;
  });
  patches.replace(crypto, 'randomInt', (original: (...args: unknown[]) => unknown) => {
    const randomInt = function (...args: unknown[]): unknown {
      const escaped = escapes('crypto.randomInt', randomInt);
      if (escaped === undefined) return original(...args);
      const numbers = args.filter((arg) => typeof arg === 'number');
      const [min, max] = numbers.length > 1 ? [numbers[0] as number, numbers[1] as number] : [0, numbers[0] ?? 1];
      const value = min + Math.floor((nextOf(escaped) / 2 ** 32) * (max - min));
      const told = args.at(-1) as Told | number;
      return typeof told === 'function' ? queueMicrotask(() => told(null, value)) : value;
    };
    return randomInt;
  });
  patches.replace(crypto, 'randomFillSync', (original: (...args: unknown[]) => unknown) => {
    const randomFillSync = function (...args: unknown[]): unknown {
      const escaped = escapes('crypto.randomFillSync', randomFillSync);
      return escaped === undefined ? original(...args) : fill(escaped, args[0] as ArrayBufferView);
    };
    return randomFillSync;
  });
  patches.replace(crypto, 'randomFill', (original: (...args: unknown[]) => unknown) => {
    const randomFill = function (...args: unknown[]): unknown {
      const escaped = escapes('crypto.randomFill', randomFill);
      if (escaped === undefined) return original(...args);
      const view = fill(escaped, args[0] as ArrayBufferView);
      return queueMicrotask(() => (args.at(-1) as NonNullable<Told>)(null, view));
    };
    return randomFill;
  });
}
