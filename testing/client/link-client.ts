import { ChannelBoxError, type BytesLike, type Message, type Upgrade } from '../../src/index.ts';
import type { Closed, TestClient, WaitOptions } from './client.ts';
import { originOf } from '../time/clock.ts';
import { checkCloseFrame } from './close-frame.ts';
import type { ClockMove, Wait } from '../time/watched-app.ts';
import { bytesOf, durationMs, encodeJson, isBlob, type Duration } from '../../src/internal.ts';
import { CloseWait, EndWait, NothingWait } from './ending.ts';
import type { Link } from '../transport/link.ts';
import { jsonOf, type Match } from './matchers.ts';
import { readFirst, readMatch, readNext, readSequence, readUnordered } from './read.ts';
import type { FailedCall } from '../time/observed-promise.ts';
import type { AppActivity } from './app-activity.ts';
import type { Log, Transcript } from './transcript.ts';
import { UnreadFrames } from './unread.ts';
import { FrameWait, type FrameCall, type FrameReading, type Waiting } from './wait.ts';

/** What a client needs of the thing under test. */
export interface TestHost {
  readonly activity: AppActivity;
  readonly log: Log;
  readonly refusals: FailedCall[];
  nowMs(): number;
  addWait(wait: Wait): void;
  addMover(mover: ClockMove): void;
  /** Where rest cannot be decided a wait without `within` takes this long; else 0. */
  readonly patienceMs: number;
  readonly isVirtual: boolean;
}

/** This is the client's side of a link, with its frames and its waits. */
export class LinkClient implements TestClient, Waiting {
  readonly name: string;
  readonly activity: AppActivity;
  readonly queue: FrameWait<never>[] = [];
  /** What the server was asked with, for errors that are this client's. */
  upgrade: Upgrade | undefined;
  readonly #host: TestHost;
  #answer: { readonly subprotocol: string; readonly headers: Headers } | undefined;
  #headers: Headers | undefined;
  #link: Link | undefined;
  readonly #unread: UnreadFrames = new UnreadFrames();
  /** It holds as many frames as it may, and reads no further. */
  #isFull = false;
  #readCount = 0;
  #isPaused = false;
  #isLeaving = false;
  #closed: Closed | undefined;

  constructor(host: TestHost, name: string) {
    this.#host = host;
    this.activity = host.activity;
    this.name = name;
  }

  /** What it is a client of. */
  get host(): TestHost {
    return this.#host;
  }

  get subprotocol(): string {
    return this.#answer?.subprotocol ?? '';
  }

  get headers(): Headers {
    this.#headers ??= this.#answer?.headers ?? new Headers();
    return this.#headers;
  }

  get transcript(): Transcript {
    return this.#host.log.of(this.name);
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get closed(): Closed | undefined {
    return this.#closed;
  }

  get unread(): readonly Message[] {
    return this.#unread.all;
  }

  /** More comes than a test reads, perhaps without end. */
  get isFlooded(): boolean {
    return this.#unread.isFlood;
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

  send(data: string | BytesLike): void {
    const sent = typeof data === 'string' ? data : bytesOf(data);
    if (sent === undefined) {
      const came = isBlob(data) ? 'a Blob' : typeof data;
      const advice = isBlob(data) ? 'read it first, new Uint8Array(await blob.arrayBuffer())' : 'use sendJson for data';
      throw new ChannelBoxError(
        'CHANNELBOX_SEND_DATA',
        `send() takes a string, a buffer or a view of one, ${came} came; ${advice}`,
      );
    }
    this.#host.log.add(this.name, { kind: 'sent', data: typeof sent === 'string' ? sent : new Uint8Array(sent) });
    this.#link?.send(sent);
  }

  sendText(text: string): void {
    this.send(text);
  }

  sendBytes(bytes: BytesLike): void {
    this.send(bytes);
  }

  sendJson(value: unknown, mode: 'text' | 'binary' = 'text'): void {
    const text = encodeJson(value);
    this.send(mode === 'text' ? text : new TextEncoder().encode(text));
  }

  receive(wait?: WaitOptions): Promise<Message> {
    return this.#wait(
      'receive',
      readNext('a frame', (frame) => ({ value: frame })),
      wait,
      this.receive,
    );
  }

  receiveText(wait?: WaitOptions): Promise<string> {
    const read = readNext('a text frame', (frame) =>
      frame.type === 'text' ? { value: frame.data } : { why: `it is a binary frame of ${frame.data.byteLength} bytes` },
    );
    return this.#wait('receiveText', read, wait, this.receiveText);
  }

  receiveBytes(wait?: WaitOptions): Promise<Uint8Array> {
    const read = readNext('a binary frame', (frame) =>
      frame.type === 'bytes' ? { value: frame.data } : { why: `it is the text frame ${JSON.stringify(frame.data)}` },
    );
    return this.#wait('receiveBytes', read, wait, this.receiveBytes);
  }

  receiveJson<T = unknown>(wait?: WaitOptions): Promise<T> {
    return this.#wait('receiveJson', readNext<T>('JSON', jsonOf), wait, this.receiveJson);
  }

  expect<T>(match: unknown, wait?: WaitOptions): Promise<T> {
    return this.#wait('expect', readMatch(match), wait, this.expect) as Promise<T>;
  }

  expectSequence(matches: readonly Match[], wait?: WaitOptions): Promise<unknown[]> {
    return this.#wait('expectSequence', readSequence(matches), wait, this.expectSequence);
  }

  expectUnordered(matches: readonly Match[], wait?: WaitOptions): Promise<unknown[]> {
    return this.#wait('expectUnordered', readUnordered(matches), wait, this.expectUnordered);
  }

  waitFor<T>(match: unknown, wait?: WaitOptions): Promise<T> {
    return this.#wait('waitFor', readFirst(match), wait, this.waitFor) as Promise<T>;
  }

  expectNothing(options: { for?: Duration; realMs?: number } = {}): Promise<void> {
    const host = this.#host;
    const origin = originOf(this.expectNothing);
    const byMs = options.for === undefined ? undefined : durationMs(options.for);
    const wait = new NothingWait(this, origin);
    const realMs = options.realMs ?? (host.isVirtual ? undefined : (byMs ?? host.patienceMs));
    if (byMs === undefined && realMs === undefined) host.addWait(wait);
    else {
      host.addMover({
        call: 'expectNothing',
        byMs: byMs ?? 0,
        realMs,
        activity: this.activity,
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
    wait: WaitOptions = {},
  ): Promise<Closed> {
    const closing = new CloseWait(this, {
      expected,
      withinMs: this.#withinMs(wait),
      origin: originOf(this.expectClosed),
    });
    this.#host.addWait(closing);
    return closing.promise;
  }

  close(code?: number, reason = ''): Promise<void> {
    checkCloseFrame(code, reason);
    if (this.#closed !== undefined) return Promise.resolve();
    this.#host.log.add(this.name, { kind: 'close', isOwn: true, ...(code === undefined ? {} : { code }) });
    this.#link?.close(code, reason);
    this.#isLeaving = true;
    this.#readOn();
    const ending = new EndWait(this, () => this.drop());
    this.#host.addWait(ending);
    return ending.promise;
  }

  drop(): void {
    if (this.#closed !== undefined) return;
    this.#host.log.add(this.name, { kind: 'drop' });
    this.#link?.drop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#link?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isFull) this.#link?.resume();
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
    this.#host.log.add(this.name, { kind: 'open' });
  }

  onFrame(message: Message): void {
    // What comes behind it while it leaves is nobody's any more.
    if (this.#isLeaving && this.#unread.isFull) return;
    this.#unread.add(message);
    this.#host.log.add(this.name, { kind: 'received', data: message.data });
    if (this.#isFull || !this.#unread.isFull || this.#isLeaving) return;
    this.#isFull = true;
    this.#link?.pause();
  }

  onClosed(closed: Closed): void {
    this.#closed = closed;
    this.#host.log.add(this.name, {
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
      this.#host.log.add(this.name, { kind: 'skipped', data: (this.unread[at] as Message).data });
    }
    this.#unread.take(count);
    this.#readCount += count;
    if (this.#unread.hasRoom) this.#readOn();
  }

  describe(): string {
    const unread = this.unread.length;
    const left = unread === 0 ? 'no frame is unread' : `${unread} ${unread === 1 ? 'frame is' : 'frames are'} unread`;
    const full = this.#isFull
      ? `${this.name} has as many unread frames as it can hold, and reads no further until some are read: the app sends more ` +
        'than the test reads, perhaps without end. Read them, or drop() the client.\n\n'
      : '';
    return `${full}What happened (${left} at ${this.name}):\n${this.#host.log.diagram()}`;
  }

  refused(refusal: FailedCall): void {
    this.#host.refusals.push(refusal);
  }

  nowMs(): number {
    return this.#host.nowMs();
  }

  #readOn(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    if (!this.#isPaused) this.#link?.resume();
  }

  #wait<T>(
    call: string,
    read: (frames: readonly Message[]) => FrameReading<T>,
    wait: WaitOptions | undefined,
    above: (...args: never[]) => unknown,
  ): Promise<T> {
    const frameCall: FrameCall<T> = { call, read, withinMs: this.#withinMs(wait ?? {}), origin: originOf(above) };
    const waiting = new FrameWait(this, frameCall);
    this.#host.addWait(waiting);
    return waiting.promise;
  }

  #withinMs({ within }: WaitOptions): number {
    return within === undefined ? this.#host.patienceMs : durationMs(within);
  }
}
