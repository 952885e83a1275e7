// @ts-check

/**
 * The element of this id, which the page's own HTML holds.
 * @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T}
 */
export function place(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

/** @param {string} tag @param {string} className @param {string} [text] Never markup. */
export function element(tag, className, text = '') {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}
