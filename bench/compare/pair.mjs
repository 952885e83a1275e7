import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onLines } from './lines.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const lateAfterMs = 120_000;
const endsWithinMs = 3_000;

/** Whether processes can be kept on a core of their own, and whether there are two of them. */
export const pinning = spawnSync('taskset', ['-c', '1', 'true'], { stdio: 'ignore' }).status === 0;

export function hasBun() {
  return spawnSync('bun', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A fresh server and a fresh client, each on a core of its own or both on one; both end with the pair. */
export class Pair {
  #server;
  #client;

  static async start(setup) {
    const pair = new Pair();
    const runtime = setup.module === 'bun' ? ['bun'] : [process.execPath, '--expose-gc', ...(setup.execArgv ?? [])];
    pair.#server = new Party(0, [...runtime, here('server.mjs'), JSON.stringify(setup)]);
    pair.#client = new Party(setup.sharesCore === true ? 0 : 1, [process.execPath, here('client.mjs')]);
    pair.port = (await pair.#server.answer('listen')).port;
    return pair;
  }

  server(order) {
    return this.#server.ask(order);
  }

  client(order) {
    return this.#client.ask(order);
  }

  /** The client will say when it has had so many frames; ask for it before they are sent. */
  expect(frames) {
    return this.#client.ask({ do: 'expect', frames });
  }

  end() {
    return Promise.all([this.#server.end(), this.#client.end()]);
  }
}

class Party {
  #process;
  #waiting = [];
  #gone;
  #isEnding = false;

  constructor(core, words) {
    const [command, ...rest] = pinning ? ['taskset', '-c', String(core), ...words] : words;
    this.#process = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#gone = new Promise((resolve) => {
      this.#process.on('exit', (code, signal) => {
        for (const { reject } of this.#waiting) reject(new Error(`${words.join(' ')} ended: ${signal ?? code}`));
        this.#isEnding = true;
        resolve();
      });
    });
    onLines(this.#process.stdout, (line) => this.#take(line));
  }

  ask(order) {
    const answer = this.answer(order.do);
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    return answer;
  }

  answer(did) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${did} within ${lateAfterMs} ms`)), lateAfterMs);
      const settle = (end) => (value) => {
        clearTimeout(late);
        end(value);
      };
      this.#waiting.push({ did, resolve: settle(resolve), reject: settle(reject) });
    });
  }

  end() {
    if (!this.#isEnding) {
      this.#isEnding = true;
      // Not killed at once: a process that is being profiled writes its profile when it ends by itself.
      this.#process.stdin.end();
      const late = setTimeout(() => this.#process.kill(), endsWithinMs);
      void this.#gone.then(() => clearTimeout(late));
    }
    return this.#gone;
  }

  #take(line) {
    const at = this.#waiting.findIndex(({ did }) => did === line.did);
    if (at >= 0) this.#waiting.splice(at, 1)[0].resolve(line);
  }
}
