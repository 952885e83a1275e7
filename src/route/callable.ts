import { RouteError } from '../errors.ts';

const hooks: readonly string[] = ['onConnect', 'onReceive', 'onDisconnect'];

/**
 * Refuses what cannot be run for a connection, when it is registered and not at the first connect (Nexios's
 * routing/websocket.py stores whatever it is given).
 * @throws {RouteError} `CHANNELBOX_BAD_HANDLER`
 */
export function assertHandler(handler: unknown, path: string): void {
  const where = `the handler of '${path}'`;
  if (isConsumerClass(handler)) {
    const name = nameOf(handler);
    throw badHandler(
      `${where} is the class ${name}; every connection needs an instance of its own, so add ${name}.asRoute('${path}')`,
    );
  }
  if (isClass(handler)) {
    throw badHandler(
      `${where} is the class ${nameOf(handler)}; give a function (ws, params), or a consumer by .asRoute('${path}')`,
    );
  }
  if (typeof handler === 'function') return;
  if (hasHooks(handler)) {
    const name = nameOf((handler as object).constructor);
    throw badHandler(
      `${where} is an instance with hooks; every connection needs its own, so add ` +
        (name === 'Object' ? `consumer('${path}', { … })` : `${name}.asRoute('${path}')`) +
        ` in its place; a class gives a route by .asRoute(path)`,
    );
  }
  throw badHandler(`${where} is ${described(handler)}; give a function (ws, params)`);
}

/** @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE` */
export function assertMiddleware(middleware: unknown): void {
  if (typeof middleware === 'function' && !isClass(middleware)) return;
  throw new RouteError(
    'CHANNELBOX_BAD_MIDDLEWARE',
    `middleware is a function (ws, next), got ${isClass(middleware) ? `the class ${nameOf(middleware)}` : described(middleware)}`,
  );
}

/** A list is copied by its owner, so it has to be one. @throws {RouteError} `CHANNELBOX_BAD_MIDDLEWARE` */
export function assertMiddlewareList(list: unknown): void {
  if (!Array.isArray(list)) {
    throw new RouteError(
      'CHANNELBOX_BAD_MIDDLEWARE',
      `middleware is a list of functions (ws, next), got ${described(list)}`,
    );
  }
  list.forEach(assertMiddleware);
}

export function described(value: unknown): string {
  if (value === undefined) return 'undefined; is its import there, and not part of a circle?';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
  return `an object of ${nameOf(value.constructor)}`;
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Also as older compilers write it, where a class is a plain function with hooks on its prototype. */
function isConsumerClass(value: unknown): boolean {
  if (typeof value !== 'function') return false;
  return (
    typeof (value as { asRoute?: unknown }).asRoute === 'function' ||
    hasHooks((value as { prototype?: unknown }).prototype)
  );
}

function hasHooks(value: unknown): boolean {
  return typeof value === 'object' && value !== null && hooks.some((hook) => hook in value);
}

function nameOf(value: unknown): string {
  return (typeof value === 'function' && value.name) || 'Object';
}

function badHandler(message: string): RouteError {
  return new RouteError('CHANNELBOX_BAD_HANDLER', message);
}
