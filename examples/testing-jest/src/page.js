/** What a page does: it shows each message as an item of its list. */
export function showRoom(url, list) {
  const socket = new WebSocket(url);
  socket.addEventListener('message', (event) => {
    const item = document.createElement('li');
    item.textContent = JSON.parse(event.data).said;
    list.append(item);
  });
  return socket;
}
