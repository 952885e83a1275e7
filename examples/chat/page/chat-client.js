// @ts-check
/**
 * The browser's side of the chat, without a page: one room, kept up over any number of connections.
 *
 * Each message is shown once, by its position in the room. What was written while the connection was away is kept and
 * sent when it is back. A message that went out unconfirmed is sent again; its id tells the copies apart.
 *
 * @typedef {{
 *   type: 'chat', user: string, member: string, message: string, timestamp: number, id?: string, position: string,
 * }} ChatFrame
 * @typedef {{
 *   type: 'system', message: string, timestamp: number, users: number, event: 'joined' | 'left', user: string,
 *   member: string, position?: undefined,
 * }} NoticeFrame
 * @typedef {{
 *   type: 'history', messages: ChatFrame[], recovered: boolean, position: string, users: number,
 *   member: string, people?: { member: string, user: string }[],
 * }} HistoryFrame
 * @typedef {ChatFrame | NoticeFrame | HistoryFrame | { type: 'error', code: string, message: string } | { type: 'pong' | 'reset' }} Frame
 *
 * @typedef {{ id: string, text: string, state: 'unsent' | 'sent' | 'refused', reason?: string }} Outgoing
 * @typedef {'connecting' | 'open' | 'waiting' | 'stopped'} Connection
 *
 * @typedef {{ user: string, isOwn: boolean }} Person
 *
 * @typedef {object} Listener What a page shows. Each is called with the whole of what changed.
 * @property {(connection: Connection, closeCode: number | undefined) => void} connection
 * @property {(frames: (ChatFrame | NoticeFrame)[], page: { isHistory: boolean, isGap: boolean, isFirst: boolean }) => void} frames
 * @property {(people: Person[] | undefined, users: number) => void} people Undefined in a crowd, which is only counted.
 * @property {(members: string[]) => void} members Under which the server has known this page, for the next one to be told.
 * @property {(outbox: readonly Outgoing[]) => void} outbox
 *
 * @typedef {object} Surroundings What a test puts in the place of the browser's own.
 * @property {new (url: string) => WebSocket} WebSocket
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now Milliseconds that never jump back.
 * @property {() => number} random From 0 to below 1.
 * @property {() => string} newId
 */

const retryFirstMs = 500;
const retryMostMs = 30_000;
const pingAfterMs = 25_000;
const pongWithinMs = 10_000;
/** Below what the server allows one connection: 4 a second, 10 at once. */
const sendEveryMs = 250;
const sendAtOnce = 10;
const idsKept = 2000;
const membersKept = 50;
/** Beyond it a room that grew is a crowd, and no longer listed. */
const peopleMost = 500;

/** @type {Surroundings} */
const browser = {
  WebSocket: globalThis.WebSocket,
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  now: () => performance.now(),
  random: () => Math.random(),
  // Not `crypto.randomUUID`, which a page over plain HTTP from another machine does not have.
  newId: () =>
    Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join(''),
};

export class ChatClient {
  #address;
  #room;
  #user;
  #listener;
  #around;
  /** @type {Outgoing[]} */
  #outbox;
  /** @type {WebSocket | undefined} */
  #socket;
  #isJoined = false;
  #isStopped = true;
  /** @type {{ epoch: string, offset: number } | undefined} */
  #position;
  /** Of messages shown, as `user id`. @type {Set<string>} */
  #shown = new Set();
  /** One's own connections, this one and those before: names are no proof, two people may have one. @type {Set<string>} */
  #members;
  /** @type {Map<string, string> | undefined} */
  #people;
  #attempts = 0;
  #heardAt = 0;
  /** A ping is out, and nothing has come since. */
  #isAsked = false;
  #nextSendAt = 0;
  /** @type {unknown} */
  #retryTimer;
  /** @type {unknown} */
  #silenceTimer;
  /** @type {unknown} */
  #sendTimer;

  /**
   * @param {object} options
   * @param {string} options.address Of the server, as in `ws://127.0.0.1:8080`.
   * @param {string} options.room
   * @param {string} options.user
   * @param {Listener} options.listener
   * @param {readonly { id: string, text: string }[]} [options.unsent] What an earlier page could not send.
   * @param {readonly string[]} [options.members] What the server called an earlier page.
   * @param {Partial<Surroundings>} [options.surroundings]
   */
  constructor({ address, room, user, listener, unsent = [], members = [], surroundings = {} }) {
    this.#address = address;
    this.#room = room;
    this.#user = user;
    this.#listener = listener;
    this.#members = new Set(members.slice(-membersKept));
    this.#around = { ...browser, ...surroundings };
    this.#outbox = unsent.map(({ id, text }) => ({ id, text, state: /** @type {const} */ ('unsent') }));
  }

  start() {
    this.#isStopped = false;
    if (this.#outbox.length > 0) this.#tellOutbox();
    this.#connect();
  }

  /** Leaves the room for good. */
  stop() {
    this.#isStopped = true;
    const socket = this.#letGo();
    socket?.close(1000);
    this.#listener.connection('stopped', undefined);
  }

  /** Sends now, or as soon as it can. @param {string} text */
  send(text) {
    this.#outbox.push({ id: this.#around.newId(), text, state: 'unsent' });
    this.#tellOutbox();
    this.#flush();
  }

  /** Whether it was written here, or on this page before it was loaded anew. @param {ChatFrame} frame */
  isOwn(frame) {
    return this.#members.has(frame.member);
  }

  /** Gives up what waits or was refused. @param {string} id */
  discard(id) {
    this.#outbox = this.#outbox.filter((outgoing) => outgoing.id !== id);
    this.#tellOutbox();
  }

  /** The network may be back, or the computer awake: look now instead of later. */
  check() {
    if (this.#isStopped) return;
    if (this.#socket === undefined) this.#connect();
    else if (this.#isJoined) this.#ping();
  }

  // ── Connections ─────────────────────────────────────────────────────────────────────────────────────────────────

  #connect() {
    this.#around.clearTimeout(this.#retryTimer);
    const query = new URLSearchParams({ username: this.#user });
    if (this.#position !== undefined) query.set('since', `${this.#position.epoch}:${this.#position.offset}`);
    const socket = new this.#around.WebSocket(`${this.#address}/room/${encodeURIComponent(this.#room)}?${query}`);
    this.#socket = socket;
    this.#listener.connection('connecting', undefined);
    socket.addEventListener('message', (event) => {
      if (socket === this.#socket) this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener('close', (event) => {
      if (socket === this.#socket) this.#lost(event.code);
    });
    this.#heard();
    this.#watchSilence();
  }

  /** @param {number | undefined} closeCode undefined where it was given up for its silence */
  #lost(closeCode) {
    this.#letGo();
    for (const outgoing of this.#outbox) if (outgoing.state === 'sent') outgoing.state = 'unsent';
    this.#tellOutbox();
    this.#listener.connection('waiting', closeCode);
    // Between half and all of a delay that doubles: a crowd that was cut off together comes back spread out.
    const mostMs = Math.min(retryMostMs, retryFirstMs * 2 ** this.#attempts);
    this.#attempts += 1;
    const delayMs = (mostMs / 2) * (1 + this.#around.random());
    this.#retryTimer = this.#around.setTimeout(() => this.#connect(), delayMs);
  }

  #letGo() {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isJoined = false;
    for (const timer of [this.#retryTimer, this.#silenceTimer, this.#sendTimer]) this.#around.clearTimeout(timer);
    return socket;
  }

  // ── Silence: a network that went away without a word closes no socket for minutes ───────────────────────────────

  #heard() {
    this.#heardAt = this.#around.now();
    this.#isAsked = false;
  }

  #watchSilence() {
    this.#around.clearTimeout(this.#silenceTimer);
    const leftMs = this.#heardAt + pingAfterMs - this.#around.now();
    this.#silenceTimer = this.#around.setTimeout(() => {
      if (this.#around.now() - this.#heardAt < pingAfterMs) this.#watchSilence();
      else if (this.#isJoined) this.#ping();
      else this.#giveUp();
    }, leftMs);
  }

  #ping() {
    this.#socket?.send(JSON.stringify({ type: 'ping' }));
    this.#isAsked = true;
    this.#around.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = this.#around.setTimeout(() => {
      if (this.#isAsked) this.#giveUp();
      else this.#watchSilence();
    }, pongWithinMs);
  }

  /** Without waiting for its close event, which may take as long as the silence. */
  #giveUp() {
    const socket = this.#socket;
    this.#lost(undefined);
    socket?.close();
  }

  // ── Frames ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @param {Frame} frame */
  #receive(frame) {
    this.#heard();
    if (frame.type === 'history') this.#welcome(frame);
    // The server has lost messages of this room: the next page says which, and shows the gap.
    else if (frame.type === 'reset') this.#giveUp();
    else if (frame.type === 'error') this.#refused(frame.message);
    else if (frame.type === 'chat' || frame.type === 'system') {
      if (frame.type === 'system') this.#note(frame);
      const fresh = this.#fresh([frame]);
      if (fresh.length > 0) this.#listener.frames(fresh, { isHistory: false, isGap: false, isFirst: false });
    }
  }

  /** @param {HistoryFrame} page */
  #welcome(page) {
    const isFirst = this.#position === undefined;
    const isGap = !isFirst && !page.recovered;
    this.#members.add(page.member);
    this.#listener.members([...this.#members]);
    const fresh = this.#fresh(page.messages);
    this.#position = splitPosition(page.position);
    this.#people = page.people && new Map(page.people.map(({ member, user }) => [member, user]));
    this.#attempts = 0;
    this.#isJoined = true;
    this.#listener.connection('open', undefined);
    this.#listener.frames(fresh, { isHistory: true, isGap, isFirst });
    this.#tellPeople(page.users);
    this.#flush();
  }

  /** What has not been shown yet. @param {(ChatFrame | NoticeFrame)[]} frames */
  #fresh(frames) {
    return frames.filter((frame) => {
      // Only what is kept has a place.
      if (frame.position !== undefined) {
        const { epoch, offset } = splitPosition(frame.position);
        if (epoch === this.#position?.epoch && offset <= this.#position.offset) return false;
        this.#position = { epoch, offset };
      }
      if (frame.type === 'system') return !this.#members.has(frame.member);
      if (frame.id === undefined) return true;
      if (this.isOwn(frame)) this.#confirmed(frame.id);
      const key = `${frame.user} ${frame.id}`;
      if (this.#shown.has(key)) return false;
      this.#shown.add(key);
      if (this.#shown.size > idsKept) this.#shown.delete(/** @type {string} */ (this.#shown.values().next().value));
      return true;
    });
  }

  /** @param {NoticeFrame} notice */
  #note({ event, member, user, users }) {
    if (event === 'joined') this.#people?.set(member, user);
    else this.#people?.delete(member);
    if (this.#people !== undefined && this.#people.size > peopleMost) this.#people = undefined;
    this.#tellPeople(users);
  }

  /** @param {number} users */
  #tellPeople(users) {
    const people =
      this.#people && Array.from(this.#people, ([member, user]) => ({ user, isOwn: this.#members.has(member) }));
    this.#listener.people(people, users);
  }

  // ── What goes out ───────────────────────────────────────────────────────────────────────────────────────────────

  #flush() {
    this.#around.clearTimeout(this.#sendTimer);
    for (const outgoing of this.#outbox) {
      if (!this.#isJoined || outgoing.state !== 'unsent') continue;
      const now = this.#around.now();
      const waitMs = this.#nextSendAt - now - sendEveryMs * (sendAtOnce - 1);
      if (waitMs > 0) {
        this.#sendTimer = this.#around.setTimeout(() => this.#flush(), waitMs);
        return;
      }
      this.#nextSendAt = Math.max(this.#nextSendAt, now) + sendEveryMs;
      this.#socket?.send(JSON.stringify({ type: 'message', content: outgoing.text, id: outgoing.id }));
      outgoing.state = 'sent';
    }
  }

  /** @param {string} id */
  #confirmed(id) {
    if (this.#outbox.some((outgoing) => outgoing.id === id)) this.discard(id);
  }

  /** Answers come in the order of what was sent. @param {string} reason */
  #refused(reason) {
    const refused = this.#outbox.find(({ state }) => state === 'sent');
    if (refused === undefined) return;
    refused.state = 'refused';
    refused.reason = reason;
    this.#tellOutbox();
  }

  #tellOutbox() {
    this.#listener.outbox([...this.#outbox]);
  }
}

/** @param {string} position */
function splitPosition(position) {
  const colon = position.lastIndexOf(':');
  return { epoch: position.slice(0, colon), offset: Number(position.slice(colon + 1)) };
}
