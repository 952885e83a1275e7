// @ts-check
import { Conversation } from './conversation.js';
import { place } from './place.js';

const door = place('door', HTMLElement);
const userInput = place('user', HTMLInputElement);
const roomInput = place('room-name', HTMLInputElement);
const room = place('room', HTMLElement);

/** @type {Conversation | undefined} */
let conversation;

userInput.value = localStorage.getItem('name') ?? '';
roomInput.value = new URLSearchParams(location.search).get('room') ?? 'lobby';

roomInput.addEventListener('input', () => roomInput.setCustomValidity(''));
place('enter', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  const user = userInput.value.trim();
  const name = roomInput.value.trim();
  if (user === '') return userInput.focus();
  if (name === '') return roomInput.focus();
  // In a path these are steps, not names.
  if (name === '.' || name === '..') {
    roomInput.setCustomValidity('Pick a name with a letter or a digit in it.');
    roomInput.reportValidity();
    return;
  }
  localStorage.setItem('name', user);
  sessionStorage.setItem('room', name);
  enter(user, name);
});
place('leave', HTMLButtonElement).addEventListener('click', () => {
  conversation?.end();
  conversation = undefined;
  sessionStorage.removeItem('room');
  document.title = 'Chat';
  room.hidden = true;
  door.hidden = false;
  roomInput.focus();
  roomInput.select();
});

// A reload goes straight back in; a new tab begins at the door.
const roomBefore = sessionStorage.getItem('room');
if (roomBefore !== null && userInput.value !== '') enter(userInput.value, roomBefore);
else (userInput.value === '' ? userInput : roomInput).focus();

/** @param {string} user @param {string} name */
function enter(user, name) {
  history.replaceState(null, '', `?${new URLSearchParams({ room: name })}`);
  door.hidden = true;
  room.hidden = false;
  conversation = new Conversation(user, name);
}
