import { ChannelBoxError, type Message, type Upgrade } from '../../src/index.ts';
import type { Closed, TestClient, Wait0 } from './client.ts';
import { originOf } from '../time/clock.ts';
import { checkCloseFrame } from './close-frame.ts';
import type { Mover, Wait } from '../time/watched-app.ts';
import { durationMs, type Duration } from '../time/duration.ts';
import { CloseWait, EndWait, NothingWait } from './ending.ts';
import { jsonTextOf } from './json-text.ts';
import type { Link } from '../transport/link.ts';
import { jsonOf, type Match } from './matchers.ts';
import { readFirst, readMatch, readNext, readSequence, readUnordered } from './read.ts';
import type { Refusal } from '../time/observed-promise.ts';
import type { Session } from '../target/app-activity.ts';
import type { Log, Transcript } from './transcript.ts';
import { FrameWait, type FrameCall, type Reading, type Waiting } from './wait.ts';

/** What a client needs of the thing under test. */
export interface Bench {
  readonly session: Session;
  readonly log: Log;
  readonly refusals: Refusal[];
  nowMs(): number;
  addWait(wait: Wait): void;
  addMover(mover: Mover): void;
  /** Where rest cannot be decided a wait without `within` takes this long; else 0. */
  readonly patienceMs: number;
  readonly isVirtual: boolean;
}

/** The client's side of a link, its frames and its waits. */
export class LinkClient implements TestClient, Waiting {
  readonly name: string;
  readonly session: Session;
  readonly queue: FrameWait<never>[] = [];
  /** What the server was asked with, for errors that are this client's. */
  upgrade: Upgrade | undefined;
  readonly #bench: Bench;
  #answer: { readonly subprotocol: string; readonly headers: Headers } | undefined;
  #headers: Headers | undefined;
  #link: Link | undefined;
  #frames: Message[] = [];
  #readCount = 0;
  #isPaused = false;
  #closed: Closed | undefined;

  constructor(bench: Bench, name: string) {
    this.#bench = bench;
    this.session = bench.session;
    this.name = name;
  }

  /** What it is a client of. */
  get bench(): Bench {
    return this.#bench;
  }

  get subprotocol(): string {
    return this.#answer?.subprotocol ?? '';
  }

  get headers(): Headers {
    this.#headers ??= this.#answer?.headers ?? new Headers();
    return this.#headers;
  }

  get transcript(): Transcript {
    return this.#bench.log.of(this.name);
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get closed(): Closed | undefined {
    return this.#closed;
  }

  get unread(): readonly Message[] {
    return this.#frames;
  }

  get readCount(): number {
    return this.#readCount;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get ending(): string | undefined {
    if (this.#closed === undefined) return undefined;
    const { code, reason, wasClean } = this.#closed;
    return `${code}${reason === '' ? '' : ` ${reason}`}${wasClean ? '' : ', not clean'}`;
  }

  send(data: string | Uint8Array): void {
    const isText = typeof data === 'string';
    if (!isText && !(data instanceof Uint8Array)) {
      throw new ChannelBoxError(
        'CHANNELBOX_SEND_DATA',
        `send() takes a string or a Uint8Array, ${typeof data} came; use sendJson for data`,
      );
    }
    this.#bench.log.add(this.name, { kind: 'sent', data: isText ? data : new Uint8Array(data) });
    this.#link?.send(data);
  }

  sendText(text: string): void {
    this.send(text);
  }

  sendBytes(bytes: Uint8Array): void {
    this.send(bytes);
  }

  sendJson(value: unknown, mode: 'text' | 'binary' = 'text'): void {
    const text = jsonTextOf(value);
    this.send(mode === 'text' ? text : new TextEncoder().encode(text));
  }

  receive(wait?: Wait0): Promise<Message> {
    return this.#wait(
      'receive',
      readNext('a frame', (frame) => ({ value: frame })),
      wait,
      this.receive,
    );
  }

  receiveText(wait?: Wait0): Promise<string> {
    const read = readNext('a text frame', (frame) =>
      frame.type === 'text' ? { value: frame.data } : { why: `it is a binary frame of ${frame.data.byteLength} bytes` },
    );
    return this.#wait('receiveText', read, wait, this.receiveText);
  }

  receiveBytes(wait?: Wait0): Promise<Uint8Array> {
    const read = readNext('a binary frame', (frame) =>
      frame.type === 'bytes' ? { value: frame.data } : { why: `it is the text frame ${JSON.stringify(frame.data)}` },
    );
    return this.#wait('receiveBytes', read, wait, this.receiveBytes);
  }

  receiveJson<T = unknown>(wait?: Wait0): Promise<T> {
    return this.#wait('receiveJson', readNext<T>('JSON', jsonOf), wait, this.receiveJson);
  }

  expect<T>(match: unknown, wait?: Wait0): Promise<T> {
    return this.#wait('expect', readMatch(match), wait, this.expect) as Promise<T>;
  }

  expectSequence(matches: readonly Match[], wait?: Wait0): Promise<unknown[]> {
    return this.#wait('expectSequence', readSequence(matches), wait, this.expectSequence);
  }

  expectUnordered(matches: readonly Match[], wait?: Wait0): Promise<unknown[]> {
    return this.#wait('expectUnordered', readUnordered(matches), wait, this.expectUnordered);
  }

  waitFor<T>(match: unknown, wait?: Wait0): Promise<T> {
    return this.#wait('waitFor', readFirst(match), wait, this.waitFor) as Promise<T>;
  }

  expectNothing(options: { for?: Duration; realMs?: number } = {}): Promise<void> {
    const bench = this.#bench;
    const origin = originOf(this.expectNothing);
    const byMs = options.for === undefined ? undefined : durationMs(options.for);
    const wait = new NothingWait(this, origin);
    const realMs = options.realMs ?? (bench.isVirtual ? undefined : (byMs ?? bench.patienceMs));
    if (byMs === undefined && realMs === undefined) bench.addWait(wait);
    else {
      bench.addMover({
        call: 'expectNothing',
        byMs: byMs ?? 0,
        realMs,
        session: this.session,
        poll: () => wait.poll(),
        waitsOut: true,
        resolve: () => wait.expire([]),
        reject: (error) => wait.refuse(error),
        doubt: (parked) => wait.doubt(parked),
      });
    }
    return wait.promise;
  }

  expectClosed(
    expected: { code?: number; reason?: string; wasClean?: boolean } = {},
    wait: Wait0 = {},
  ): Promise<Closed> {
    const closing = new CloseWait(this, {
      expected,
      withinMs: this.#withinMs(wait),
      origin: originOf(this.expectClosed),
    });
    this.#bench.addWait(closing);
    return closing.promise;
  }

  close(code?: number, reason = ''): Promise<void> {
    checkCloseFrame(code, reason);
    if (this.#closed !== undefined) return Promise.resolve();
    this.#bench.log.add(this.name, { kind: 'close', isOwn: true, ...(code === undefined ? {} : { code }) });
    this.#link?.close(code, reason);
    const ending = new EndWait(this, () => this.drop());
    this.#bench.addWait(ending);
    return ending.promise;
  }

  drop(): void {
    if (this.#closed !== undefined) return;
    this.#bench.log.add(this.name, { kind: 'drop' });
    this.#link?.drop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#link?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#link?.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ── What its link tells ───────────────────────────────────────────────────────────────────────────────────────────

  attach(link: Link): void {
    this.#link = link;
  }

  onOpen(answer: { readonly subprotocol: string; readonly headers: Headers }): void {
    this.#answer = answer;
    this.#bench.log.add(this.name, { kind: 'open' });
  }

  onFrame(message: Message): void {
    this.#frames.push(message);
    this.#bench.log.add(this.name, { kind: 'received', data: message.data });
  }

  onClosed(closed: Closed): void {
    this.#closed = closed;
    this.#bench.log.add(this.name, {
      kind: 'close',
      code: closed.code,
      ...(closed.reason === '' ? {} : { data: closed.reason }),
    });
  }

  /** It was denied, or never answered. */
  neverOpened(): void {
    this.#closed = { code: 1006, reason: '', wasClean: false };
  }

  // ── For its waits ─────────────────────────────────────────────────────────────────────────────────────────────────

  take(count: number, skipped: readonly number[]): void {
    for (const at of skipped) {
      this.#bench.log.add(this.name, { kind: 'skipped', data: (this.#frames[at] as Message).data });
    }
    this.#frames = this.#frames.slice(count);
    this.#readCount += count;
  }

  describe(): string {
    const unread = this.#frames.length;
    const left = unread === 0 ? 'no frame is unread' : `${unread} ${unread === 1 ? 'frame is' : 'frames are'} unread`;
    return `What happened (${left} at ${this.name}):\n${this.#bench.log.diagram()}`;
  }

  refused(refusal: Refusal): void {
    this.#bench.refusals.push(refusal);
  }

  nowMs(): number {
    return this.#bench.nowMs();
  }

  #wait<T>(
    call: string,
    read: (frames: readonly Message[]) => Reading<T>,
    wait: Wait0 | undefined,
    above: (...args: never[]) => unknown,
  ): Promise<T> {
    const frameCall: FrameCall<T> = { call, read, withinMs: this.#withinMs(wait ?? {}), origin: originOf(above) };
    const waiting = new FrameWait(this, frameCall);
    this.#bench.addWait(waiting);
    return waiting.promise;
  }

  #withinMs({ within }: Wait0): number {
    return within === undefined ? this.#bench.patienceMs : durationMs(within);
  }
}
