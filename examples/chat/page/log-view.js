// @ts-check
/** @import { ChatFrame, NoticeFrame, Outgoing } from './chat-client.js' */
import { element } from './place.js';

const shownMost = 500;
const sameBreathSeconds = 5 * 60;
const tones = 8;
/** A crowd that gathers must not fill one line without end. */
const eventsPerLine = 12;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });

/**
 * The messages of a room, oldest first, and below them one's own that have not arrived yet. What people write becomes
 * text nodes and nothing else.
 */
export class LogView {
  #log;
  #outbox;
  #isOwn;
  #discard;
  /** For those that follow it in one breath. @type {ChatFrame | undefined} */
  #last;
  /** @type {HTMLElement | undefined} */
  #lastNotice;
  #lastDay = '';

  /**
   * @param {{ log: HTMLElement, outbox: HTMLElement }} places
   * @param {object} client
   * @param {(frame: ChatFrame) => boolean} client.isOwn One's own messages look different.
   * @param {(id: string) => void} client.discard
   */
  constructor({ log, outbox }, { isOwn, discard }) {
    this.#log = log;
    this.#outbox = outbox;
    this.#isOwn = isOwn;
    this.#discard = discard;
    log.replaceChildren();
    outbox.replaceChildren();
  }

  get isEmpty() {
    return this.#log.childElementCount === 0 && this.#outbox.childElementCount === 0;
  }

  /** @param {readonly (ChatFrame | NoticeFrame)[]} frames */
  append(frames) {
    for (const frame of frames) {
      this.#beginDay(frame.timestamp);
      if (frame.type === 'chat') this.#message(frame);
      else this.#notice(frame);
    }
    while (this.#log.childElementCount > shownMost) this.#log.firstElementChild?.remove();
  }

  /** Something may be missing here: the room went on without us for longer than it remembers. */
  appendGap() {
    this.#break();
    this.#log.append(element('p', 'divider', 'Messages may be missing here: the server no longer has them.'));
  }

  /** @param {readonly Outgoing[]} outbox @param {boolean} isOpen */
  showOutbox(outbox, isOpen) {
    this.#outbox.replaceChildren(
      ...outbox.map(({ id, text, state, reason }) => {
        const item = element('li', 'message mine pending');
        const isRefused = state === 'refused';
        const note = isRefused
          ? `Refused: ${reason ?? ''}`
          : isOpen
            ? 'Sending…'
            : 'Will be sent when you are connected';
        const line = element('p', isRefused ? 'note refused' : 'note', `${note} `);
        if (isRefused) line.append(this.#discardButton(id));
        item.append(element('p', 'text', text), line);
        return item;
      }),
    );
  }

  /** @param {ChatFrame} frame */
  #message(frame) {
    const { user, message, timestamp } = frame;
    const isMine = this.#isOwn(frame);
    const isSameSpeaker = this.#last?.member === frame.member && timestamp - this.#last.timestamp < sameBreathSeconds;
    const article = element('article', `message${isMine ? ' mine' : ''}${isSameSpeaker ? ' follows' : ''}`);
    const head = element('p', 'head');
    const name = element('bdi', 'name', isMine ? 'You' : user);
    name.dataset['tone'] = String(toneOf(user));
    const time = element('time', 'time', clock.format(timestamp * 1000));
    time.setAttribute('datetime', new Date(timestamp * 1000).toISOString());
    head.append(name, ' ', time);
    article.append(head, element('p', 'text', message));
    this.#log.append(article);
    this.#last = frame;
    this.#lastNotice = undefined;
  }

  /** Who comes and goes one after the other shares a line. @param {NoticeFrame} frame */
  #notice({ user, event }) {
    const part = element('span', 'event');
    part.append(element('bdi', '', user), ` ${event}`);
    if (this.#lastNotice === undefined || this.#lastNotice.childElementCount >= eventsPerLine) {
      this.#lastNotice = element('p', 'notice');
      this.#log.append(this.#lastNotice);
    } else this.#lastNotice.append(', ');
    this.#lastNotice.append(part);
    this.#last = undefined;
  }

  /** @param {number} timestamp */
  #beginDay(timestamp) {
    const name = day.format(timestamp * 1000);
    if (name === this.#lastDay) return;
    this.#lastDay = name;
    this.#break();
    this.#log.append(element('p', 'divider', name));
  }

  #break() {
    this.#last = undefined;
    this.#lastNotice = undefined;
  }

  /** @param {string} id */
  #discardButton(id) {
    const button = element('button', '', 'Remove');
    button.setAttribute('type', 'button');
    button.addEventListener('click', () => this.#discard(id));
    return button;
  }
}

/** The same name has the same colour everywhere. @param {string} name */
export function toneOf(name) {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + /** @type {number} */ (character.codePointAt(0))) % 65_521;
  return sum % tones;
}
