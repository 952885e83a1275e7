// @ts-check
/** @import { Person } from './chat-client.js' */
import { element, place } from './place.js';
import { toneOf } from './log-view.js';

const panel = place('people', HTMLElement);
const heading = place('users', HTMLElement);
const names = place('names', HTMLElement);
const toggle = place('people-toggle', HTMLButtonElement);
const short = place('users-short', HTMLElement);

/** Who is in the room: a list, or in a crowd a number. */
export class PeopleView {
  constructor() {
    this.isOpen = false;
  }

  /** On a narrow screen the list covers the messages, and is closed at first. */
  get isOpen() {
    return toggle.getAttribute('aria-expanded') === 'true';
  }

  set isOpen(isOpen) {
    toggle.setAttribute('aria-expanded', String(isOpen));
    panel.classList.toggle('open', isOpen);
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    toggle.addEventListener('click', () => (this.isOpen = !this.isOpen), { signal });
    document.addEventListener(
      'keydown',
      ({ key }) => {
        if (key !== 'Escape' || !this.isOpen) return;
        this.isOpen = false;
        toggle.focus();
      },
      { signal },
    );
  }

  /** @param {readonly Person[] | undefined} people @param {number} users */
  show(people, users) {
    const count = `${users.toLocaleString()} ${users === 1 ? 'person' : 'people'}`;
    heading.textContent = `${count} here`;
    short.textContent = count;
    names.replaceChildren(...this.#items(people));
  }

  /** @param {readonly Person[] | undefined} people */
  #items(people) {
    if (people === undefined) return [element('li', 'muted', 'Too many to list.')];
    // Who has one name shares a line, but not with oneself.
    /** @type {Map<string, Person & { count: number }>} */
    const lines = new Map();
    for (const { user, isOwn } of people) {
      const key = `${isOwn} ${user}`;
      lines.set(key, { user, isOwn, count: (lines.get(key)?.count ?? 0) + 1 });
    }
    const sorted = [...lines.values()].sort(
      (a, b) => Number(b.isOwn) - Number(a.isOwn) || a.user.localeCompare(b.user),
    );
    return sorted.map(({ user: name, isOwn, count }) => {
      const item = element('li', '');
      const badge = element('span', 'badge', initialOf(name));
      badge.dataset['tone'] = String(toneOf(name));
      badge.setAttribute('aria-hidden', 'true');
      const label = element('span', 'label');
      label.append(element('bdi', '', name), count > 1 ? ` ×${count}` : '', isOwn ? ' (you)' : '');
      item.append(badge, label);
      return item;
    });
  }
}

/** The first character as people count them: an accent or a skin tone belongs to it. @param {string} name */
function initialOf(name) {
  for (const { segment } of new Intl.Segmenter().segment(name)) return segment.toLocaleUpperCase();
  return '';
}
