import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import dnsPromises from 'node:dns/promises';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import workerThreads from 'node:worker_threads';
import { ChannelBoxError } from '../../../src/index.ts';
import type { Escapes } from './escape.ts';
import type { Patches } from './patches.ts';

interface OutsideWatch {
  readonly patches: Patches;
  readonly escapes: Escapes;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Functions that reach out of the process: a run cannot wait for them, so they refuse. */
const reaching: readonly (readonly [module: object, name: string, functions: readonly string[]])[] = [
  [net, 'net', ['connect', 'createConnection', 'createServer']],
  [tls, 'tls', ['connect', 'createServer']],
  [http, 'http', ['request', 'get', 'createServer']],
  [https, 'https', ['request', 'get', 'createServer']],
  [http2, 'http2', ['connect', 'createServer', 'createSecureServer']],
  [dgram, 'dgram', ['createSocket']],
  [childProcess, 'child_process', ['spawn', 'exec', 'execFile', 'fork']],
  [
    fs,
    'fs',
    [
      'readFile',
      'writeFile',
      'appendFile',
      'open',
      'stat',
      'readdir',
      'mkdir',
      'rm',
      'createReadStream',
      'createWriteStream',
      'watch',
    ],
  ],
];

/** The same, whose answer is a promise. */
const promising: readonly (readonly [module: object, name: string, functions: readonly string[]])[] = [
  [
    fsPromises,
    'fs/promises',
    ['readFile', 'writeFile', 'appendFile', 'open', 'stat', 'readdir', 'mkdir', 'rm', 'access'],
  ],
  [dnsPromises, 'dns', ['lookup', 'resolve', 'resolve4', 'resolve6']],
];

/** These doors are what leaves the process, and what the engine decides by itself. */
export function guardOutside(patches: Patches, escapes: Escapes): void {
  const watch: OutsideWatch = { patches, escapes };
  for (const [module, name, functions] of reaching) {
    for (const each of functions) refuse(watch, module, each, { what: `${name}.${each}` });
  }
  for (const [module, name, functions] of promising) {
    for (const each of functions) refuse(watch, module, each, { what: `${name}.${each}`, isPromising: true });
  }
  for (const each of ['lookup', 'resolve', 'resolve4', 'resolve6']) refuse(watch, dns, each, { what: `dns.${each}` });
  refuse(watch, globalThis, 'fetch', { what: 'fetch', isPromising: true });
  for (const name of ['WebSocket', 'EventSource'] as const) refuseClass(watch, globalThis, name);
  refuseClass(watch, workerThreads, 'Worker');
  // These do no harm by themselves: they are told, and pass.
  for (const name of ['FinalizationRegistry', 'WeakRef', 'MessageChannel', 'BroadcastChannel'] as const) {
    tellClass(watch, globalThis, name);
  }
  for (const name of ['MessageChannel', 'BroadcastChannel'] as const) tellClass(watch, workerThreads, name);
}

function refuse(
  { patches, escapes }: OutsideWatch,
  owner: object,
  name: string,
  { what, isPromising = false }: { readonly what: string; readonly isPromising?: boolean },
): void {
  patches.replace(owner, name, (original: AnyFunction) => {
    const call = function (this: unknown, ...args: unknown[]): unknown {
      if (escapes(what, call) === undefined) return original.apply(this, args);
      if (isPromising) return Promise.reject(outsideError(what));
      throw outsideError(what);
    };
    return call;
  });
}

function refuseClass({ patches, escapes }: OutsideWatch, owner: object, name: string): void {
  patches.replace(owner, name, (original: new (...args: unknown[]) => object) => {
    const handler: ProxyHandler<typeof original> = {
      construct(target, args: unknown[], newTarget): object {
        if (escapes(`new ${name}`, handler.construct as () => unknown) !== undefined) throw outsideError(`new ${name}`);
        return Reflect.construct(target, args, newTarget) as object;
      },
    };
    return new Proxy(original, handler);
  });
}

function tellClass({ patches, escapes }: OutsideWatch, owner: object, name: string): void {
  patches.replace(owner, name, (original: new (...args: unknown[]) => object) => {
    const handler: ProxyHandler<typeof original> = {
      construct(target, args: unknown[], newTarget): object {
        escapes(`new ${name}`, handler.construct as () => unknown);
        return Reflect.construct(target, args, newTarget) as object;
      },
    };
    return new Proxy(original, handler);
  });
}

function outsideError(what: string): ChannelBoxError {
  return new ChannelBoxError(
    'CHANNELBOX_SIM_OUTSIDE',
    `${what} came from an app in a simulated run, which reaches nothing outside; let env.io() stand for the call`,
  );
}
