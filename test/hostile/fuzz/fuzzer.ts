import { once } from 'node:events';
import { App, type AppOptions, consumer } from 'channelbox';
import { WebSocket as Client } from 'ws';
import { close } from '../frames.ts';
import { RawClient } from '../raw-client.ts';
import { fuzzCase, type FuzzCase } from './case.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  /** Of the first case; to look at one again. */
  readonly from?: number;
  /** Attackers at once, 24. */
  readonly width?: number;
  /** A defect of the app, to see that it is found: what the text route answers in place of what came. */
  readonly plant?: (said: string) => string;
}

export interface FuzzReport {
  /** How many cases ended how, the most frequent first. */
  readonly reached: ReadonlyMap<string, number>;
  /** Share of the cases whose handshake was answered with 101. */
  readonly pastHandshake: number;
  /** What must not be, each with the number of its case. */
  readonly faults: readonly string[];
}

/** No attacker may make the server say anything else. */
const statuses = new Set([101, 400, 403, 404, 405, 408, 413, 414, 417, 421, 426, 429, 431, 500, 501, 503, 505]);
/** A code that an attacker may send comes back as its answer; 1005 and 1006 stand for none. An error of ours, 1011, shows in the log. */
function mayBeClosedWith(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004) || (code >= 3000 && code <= 4999);
}
/** A case that is not over by then hangs. */
const caseMs = 30_000;
/** What is not gone by then stays. */
const goneMs = 20_000;
/** Cases between two looks at the bystander. */
const lookEvery = 500;

/** Sends strangers at an app on a real port, and finds what they may not do to it: stop it, hang it, disturb others, make it log errors. */
export class Fuzzer {
  readonly #options: FuzzOptions;
  readonly #app: App;
  readonly #faults: string[] = [];
  readonly #reached = new Map<string, number>();
  #port = 0;
  #next: number;
  #past = 0;
  #bystander: Client | undefined;

  private constructor(options: FuzzOptions) {
    this.#options = options;
    this.#next = options.from ?? 0;
    const serious = (message: string, fields?: object): void =>
      this.#fault(this.#next, `the log says at error: ${message} ${String((fields as { error?: unknown })?.error)}`);
    const { plant = (said) => said } = options;
    this.#app = fuzzedApp(plant, {
      compression: true,
      limits: { maxPayloadBytes: 1_000_000, closeTimeoutMs: 500 },
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: serious },
    });
  }

  static async run(options: FuzzOptions): Promise<FuzzReport> {
    const fuzzer = new Fuzzer(options);
    const onEscaped = (error: unknown): void => fuzzer.#fault(fuzzer.#next, `nobody caught ${String(error)}`);
    process.on('uncaughtException', onEscaped);
    process.on('unhandledRejection', onEscaped);
    try {
      return await fuzzer.#run();
    } finally {
      process.off('uncaughtException', onEscaped);
      process.off('unhandledRejection', onEscaped);
    }
  }

  async #run(): Promise<FuzzReport> {
    const { cases, from = 0, width = 24 } = this.#options;
    this.#port = (await this.#app.listen(0, '127.0.0.1')).port;
    this.#bystander = new Client(`ws://127.0.0.1:${this.#port}/echo`);
    await once(this.#bystander, 'open');
    const end = from + cases;
    await Promise.all(Array.from({ length: Math.min(width, cases) }, () => this.#attack(end)));
    await this.#lookAtBystander(end);
    await this.#lookAtLeftovers(end);
    this.#bystander.terminate();
    await this.#app.close();
    return {
      reached: new Map([...this.#reached].toSorted(([, one], [, other]) => other - one)),
      pastHandshake: this.#past / cases,
      faults: this.#faults,
    };
  }

  async #attack(end: number): Promise<void> {
    while (this.#next < end) {
      const at = this.#next;
      this.#next += 1;
      if (at % lookEvery === lookEvery - 1) await this.#lookAtBystander(at);
      await this.#one(fuzzCase(this.#options.seed, at));
    }
  }

  async #one(one: FuzzCase): Promise<void> {
    const client = await RawClient.open(this.#port);
    const hanging = setTimeout(() => {
      this.#fault(one.at, `a case of ${one.kind} hangs`);
      client.destroy();
    }, caseMs);
    try {
      const how = await this.#play(one, client);
      this.#reached.set(`${one.kind}: ${how}`, (this.#reached.get(`${one.kind}: ${how}`) ?? 0) + 1);
    } finally {
      clearTimeout(hanging);
      client.destroy();
    }
  }

  async #play(one: FuzzCase, client: RawClient): Promise<string> {
    for (const bytes of one.handshake) client.write(bytes);
    if (one.isEager) for (const bytes of one.frames) client.write(bytes);
    if (one.kind === 'handshake') this.#leave(one, client);
    const answer = await client.answer();
    if (answer === undefined) return 'no answer';
    if (!statuses.has(answer.status)) this.#fault(one.at, `the answer is ${answer.status}`);
    if (answer.status !== 101) return `answered ${answer.status}`;
    this.#past += 1;
    if (!one.isEager) for (const bytes of one.frames) client.write(bytes);
    for (const expected of one.echoes ?? []) {
      const came = await nextText(client);
      if (came !== expected)
        this.#fault(one.at, `${String(came).slice(0, 40)} came back in place of ${expected.slice(0, 40)}`);
    }
    this.#leave(one, client);
    if (one.leaves === 'reset') return 'left by a reset';
    const code = await client.closeCode();
    if (!mayBeClosedWith(code)) this.#fault(one.at, `it was closed with ${code}`);
    return `closed ${code}`;
  }

  #leave(one: FuzzCase, client: RawClient): void {
    if (one.leaves === 'reset') client.reset();
    else if (one.leaves === 'close') client.write(close(1000));
    if (one.leaves !== 'reset') client.socket.end();
  }

  async #lookAtBystander(at: number): Promise<void> {
    const bystander = this.#bystander as Client;
    if (bystander.readyState !== Client.OPEN) return this.#fault(at, 'the bystander was closed');
    const said = `bystander at ${at}`;
    const heard = once(bystander, 'message', { signal: AbortSignal.timeout(caseMs) });
    bystander.send(said);
    const back = await heard.then(
      ([data]) => String(data),
      () => 'nothing',
    );
    if (back !== said) this.#fault(at, `the bystander heard ${back}`);
  }

  /** All that the strangers brought goes by itself, at once or on a busy machine. */
  async #lookAtLeftovers(at: number): Promise<void> {
    const untilMs = performance.now() + goneMs;
    const left = (): string => {
      const { connections, memberships, bufferedBytes, handlers } = this.#app.inspect();
      return JSON.stringify({ connections, memberships, handlers, bufferedBytes });
    };
    const clean = JSON.stringify({ connections: 1, memberships: 0, handlers: 1, bufferedBytes: 0 });
    while (left() !== clean && performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
    if (left() !== clean) this.#fault(at, `${goneMs} ms later there is ${left()}`);
  }

  #fault(at: number, what: string): void {
    this.#faults.push(`case ${at} of seed ${this.#options.seed}: ${what}`);
  }
}

async function nextText(client: RawClient): Promise<string | undefined> {
  for (;;) {
    const frame = await client.frame();
    if (frame === undefined) return undefined;
    if (frame.opcode === 1) return frame.payload.toString();
  }
}

function fuzzedApp(answerTo: (said: string) => string, options: AppOptions): App {
  const app = new App(options);
  app.addWsRoute(
    consumer('/echo', {
      encoding: 'text',
      onReceive(_ws, said) {
        return this.send(answerTo(String(said)));
      },
    }),
  );
  for (const encoding of ['json', 'bytes'] as const) {
    app.addWsRoute(
      consumer(`/${encoding}`, {
        encoding,
        onReceive(_ws, data) {
          return this.send(data);
        },
      }),
    );
  }
  app.addWsRoute(
    consumer('/group/{name}', {
      encoding: 'text',
      async onConnect(ws) {
        await ws.accept();
        await this.joinGroup(ws.params.name);
      },
      async onReceive(ws, data) {
        await this.broadcast(data, ws.params.name, { saveHistory: true });
      },
    }),
  );
  return app;
}
