// @ts-check
/** @import { ChatFrame, NoticeFrame, Connection, Outgoing } from './chat-client.js' */
import { ChatClient } from './chat-client.js';
import { LogView } from './log-view.js';
import { PeopleView } from './people-view.js';
import { place } from './place.js';

const nearEndPx = 48;

const title = place('title', HTMLElement);
const connectionBox = place('connection-box', HTMLElement);
const connectionText = place('connection', HTMLElement);
const retry = place('retry', HTMLButtonElement);
const scroller = place('scroller', HTMLElement);
const log = place('log', HTMLElement);
const empty = place('empty', HTMLElement);
const newer = place('newer', HTMLButtonElement);
const compose = place('compose', HTMLFormElement);
const text = place('text', HTMLTextAreaElement);

/** One person in one room, on the page: from entering to leaving. */
export class Conversation {
  #user;
  #room;
  #client;
  #logView;
  #peopleView;
  #listening = new AbortController();
  /** @type {readonly Outgoing[]} */
  #outbox = [];
  /** @type {Connection} */
  #connection = 'connecting';
  #wasOpen = false;
  #unread = 0;
  /** Whether the newest message is in sight, and is to stay there. */
  #followsEnd = true;

  /** @param {string} user @param {string} room */
  constructor(user, room) {
    this.#user = user;
    this.#room = room;
    title.textContent = room;
    this.#logView = new LogView(
      { log, outbox: place('outbox', HTMLElement) },
      { isOwn: (frame) => this.#client.isOwn(frame), discard: (id) => this.#client.discard(id) },
    );
    this.#peopleView = new PeopleView();
    this.#client = new ChatClient({
      address: location.origin.replace(/^http/, 'ws'),
      room,
      user,
      unsent: this.#kept(this.#outboxKey),
      members: this.#kept('members'),
      listener: {
        connection: (connection, closeCode) => this.#showConnection(connection, closeCode),
        frames: (frames, page) => this.#showFrames(frames, page),
        people: (people, users) => this.#peopleView.show(people, users),
        members: (members) => sessionStorage.setItem('members', JSON.stringify(members)),
        outbox: (outbox) => this.#showOutbox(outbox),
      },
    });
    this.#listen();
    this.#client.start();
    this.#showUnread();
    text.focus();
  }

  end() {
    this.#listening.abort();
    this.#client.stop();
    this.#peopleView.isOpen = false;
  }

  #listen() {
    const { signal } = this.#listening;
    compose.addEventListener('submit', (event) => this.#send(event), { signal });
    text.addEventListener(
      'keydown',
      (event) => {
        // While a character is being composed, Enter belongs to it.
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.#send(event);
      },
      { signal },
    );
    scroller.addEventListener('scroll', () => this.#scrolled(), { signal, passive: true });
    // A keyboard that slides in, or a message being written over several lines, must not hide the newest message.
    const watch = new ResizeObserver(() => this.#followsEnd && this.#toEnd());
    watch.observe(scroller);
    signal.addEventListener('abort', () => watch.disconnect());
    newer.addEventListener('click', () => this.#toEnd(), { signal });
    retry.addEventListener('click', () => this.#client.check(), { signal });
    addEventListener('online', () => this.#client.check(), { signal });
    document.addEventListener('visibilitychange', () => this.#returned(), { signal });
    this.#peopleView.listen(signal);
  }

  /** @param {Event} event */
  #send(event) {
    event.preventDefault();
    const message = text.value.trim();
    text.value = '';
    text.focus();
    if (message === '') return;
    this.#followsEnd = true;
    this.#client.send(message);
  }

  // ── What the client tells ───────────────────────────────────────────────────────────────────────────────────────

  /** @param {Connection} connection @param {number | undefined} closeCode */
  #showConnection(connection, closeCode) {
    this.#connection = connection;
    if (connection === 'open') this.#wasOpen = true;
    connectionBox.dataset['state'] = connection;
    retry.hidden = connection !== 'waiting';
    const said = this.#describe(connection, closeCode);
    // It is read out when it changes, so it changes only when there is something to say.
    if (said !== undefined && connectionText.textContent !== said) connectionText.textContent = said;
    this.#showOutbox(this.#outbox);
  }

  /** @param {Connection} connection @param {number | undefined} closeCode @returns {string | undefined} */
  #describe(connection, closeCode) {
    if (connection === 'open') return 'Connected';
    if (connection === 'connecting') return this.#wasOpen ? undefined : 'Connecting…';
    if (!navigator.onLine) return 'You are offline';
    if (closeCode === 1008) return 'Too many messages at once. Reconnecting…';
    return this.#wasOpen ? 'Connection lost. Reconnecting…' : 'No answer from the server. Trying again…';
  }

  /** @param {(ChatFrame | NoticeFrame)[]} frames @param {{ isHistory: boolean, isGap: boolean, isFirst: boolean }} page */
  #showFrames(frames, { isHistory, isGap, isFirst }) {
    // What was said before is there to be read, not read out.
    log.setAttribute('aria-live', isHistory ? 'off' : 'polite');
    if (isGap) this.#logView.appendGap();
    this.#logView.append(frames);
    this.#settle();
    if (isFirst || (this.#followsEnd && !document.hidden)) return;
    this.#unread += frames.filter((frame) => frame.type === 'chat' && !this.#client.isOwn(frame)).length;
    this.#showUnread();
  }

  /** @param {readonly Outgoing[]} outbox */
  #showOutbox(outbox) {
    this.#outbox = outbox;
    const kept = outbox.filter(({ state }) => state !== 'refused').map(({ id, text: words }) => ({ id, text: words }));
    if (kept.length > 0) sessionStorage.setItem(this.#outboxKey, JSON.stringify(kept));
    else sessionStorage.removeItem(this.#outboxKey);
    this.#logView.showOutbox(outbox, this.#connection === 'open');
    this.#settle();
  }

  #settle() {
    empty.hidden = !this.#logView.isEmpty || this.#connection !== 'open';
    if (this.#followsEnd) this.#toEnd();
  }

  // ── Where the reader is ─────────────────────────────────────────────────────────────────────────────────────────

  #scrolled() {
    this.#followsEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearEndPx;
    this.#read();
  }

  #toEnd() {
    this.#followsEnd = true;
    scroller.scrollTop = scroller.scrollHeight;
    this.#read();
  }

  #returned() {
    if (document.hidden) return;
    this.#client.check();
    this.#read();
  }

  #read() {
    if (document.hidden || !this.#followsEnd || this.#unread === 0) return;
    this.#unread = 0;
    this.#showUnread();
  }

  #showUnread() {
    const unread = this.#unread;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${this.#room} · Chat`;
    newer.hidden = unread === 0 || this.#followsEnd;
    newer.textContent = unread === 1 ? '1 new message' : `${unread} new messages`;
  }

  // ── What is not sent yet outlives a reload, in this tab ─────────────────────────────────────────────────────────

  get #outboxKey() {
    return `unsent ${JSON.stringify([this.#room, this.#user])}`;
  }

  /** @param {string} key */
  #kept(key) {
    return JSON.parse(sessionStorage.getItem(key) ?? '[]');
  }
}
