import { testApp } from 'channelbox/testing';
import { bridgeMockSocket } from 'channelbox/testing/mock-socket';
import { roomApp } from '../src/room.js';
import { showRoom } from '../src/page.js';

let t;
beforeEach(() => {
  t = testApp(roomApp());
});
afterEach(() => t.close());

test('members of a room hear each other, text and bytes', async () => {
  const [ann, bob] = await t.connectAll(2, '/room/7');
  ann.sendJson('hi');
  await bob.expect({ said: expect.any(String) });
  ann.sendJson('bytes', 'binary');
  await bob.expect({ said: 'bytes' });
});

test('a page shows what members say, and says what its user does', async () => {
  bridgeMockSocket(t, 'ws://chat.test');
  const ann = await t.connect('/room/7');
  const list = document.createElement('ul');
  const socket = showRoom('ws://chat.test/room/7', list);
  await t.settle();
  ann.sendJson('hello, page');
  await t.settle();
  expect(list.innerHTML).toBe('<li>hello, page</li>');
  await ann.expect({ said: 'hello, page' });
  socket.send(new Blob([JSON.stringify('from a blob')]));
  await ann.expect({ said: 'from a blob' }, { within: '1s' });
});
