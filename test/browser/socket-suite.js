/**
 * What a page can see of a WebSocket, one case each. The same text runs in Chromium, against a server that listens, and in
 * process, over the bridge; both must say the same. A case gets `open(path)`, which makes a socket that notes its events,
 * `say(…)`, and `until(() => …)`.
 */

const texts = (socket) => socket.story.filter((event) => typeof event === 'string');
const attempt = (say, act) => {
  try {
    say('fine', act());
  } catch (error) {
    say(error.name, error instanceof DOMException);
  }
};

export const cases = {
  'what it is': async ({ open, say, WebSocket }) => {
    const socket = open('/echo');
    say(socket instanceof EventTarget, socket instanceof WebSocket, String(socket));
    say(socket.CONNECTING, socket.OPEN, socket.CLOSING, socket.CLOSED, WebSocket.OPEN);
    say(socket.readyState, socket.bufferedAmount, socket.extensions, socket.protocol, socket.binaryType);
    say(socket.onopen, socket.onmessage, socket.onerror, socket.onclose);
    say(socket.url.replace(/^.*:\d+|^ws:\/\/[^/]*/, ''));
    await socket.opened;
    say(socket.readyState);
  },
  'text, in order': async ({ open, say, until }) => {
    const socket = open('/echo');
    await socket.opened;
    for (const data of ['a', '', 'é☃😀', 'x'.repeat(70_000), undefined, null, 5, { a: 1 }, [1, 2], 'a\ud800b'])
      socket.send(data);
    await until(() => socket.story.length === 11);
    say(...socket.story.map((event) => (event.length > 100 ? event.length : event)));
  },
  'bytes of every kind': async ({ open, say, until }) => {
    const socket = open('/echo');
    socket.binaryType = 'arraybuffer';
    await socket.opened;
    const bytes = new Uint8Array([0, 1, 2, 250, 251, 252, 3, 4]);
    socket.send(bytes);
    socket.send(bytes.buffer);
    socket.send(bytes.subarray(2, 5));
    socket.send(new DataView(bytes.buffer, 4, 2));
    socket.send(new Uint16Array(bytes.buffer, 2, 2));
    socket.send(new Blob(['in a blob']));
    socket.send(new Uint8Array());
    bytes.fill(9);
    await until(() => socket.data.length === 7);
    say(...socket.data.map((data) => `${data instanceof ArrayBuffer} ${[...new Uint8Array(data)].join()}`));
  },
  'bytes as a Blob': async ({ open, say, until }) => {
    const socket = open('/echo');
    await socket.opened;
    socket.send(new Uint8Array([7, 8]));
    await until(() => socket.data.length === 1);
    const [blob] = socket.data;
    say(blob instanceof Blob, blob.size, blob.type, ...new Uint8Array(await blob.arrayBuffer()));
  },
  'binaryType takes two words': async ({ open, say }) => {
    const socket = open('/echo');
    for (const type of ['arraybuffer', 'nothing', 'blob']) {
      socket.binaryType = type;
      say(socket.binaryType);
    }
  },
  'an event and its fields': async ({ open, say, until }) => {
    const socket = open('/echo');
    let during;
    socket.addEventListener('message', function (event) {
      during = [
        this === socket,
        event.currentTarget === socket,
        event.target === socket,
        event instanceof MessageEvent,
        event.origin.slice(0, 5),
        event.bubbles,
        event.cancelable,
      ];
      socket.last = event;
    });
    await socket.opened;
    socket.send('x');
    await until(() => during !== undefined);
    say(...during, socket.last.currentTarget, socket.last.target === socket);
  },
  'handlers and listeners, in order': async ({ open, say, until }) => {
    const socket = open('/echo');
    const note = (name) => () => say(name);
    const twice = note('both');
    socket.addEventListener('message', note('first'));
    socket.onmessage = note('handler, replaced');
    socket.addEventListener('message', note('after the handler'));
    socket.onmessage = note('handler');
    socket.addEventListener('message', twice);
    socket.addEventListener('message', twice);
    socket.addEventListener('message', twice, true);
    socket.addEventListener('message', note('capturing'), { capture: true });
    socket.addEventListener('message', { handleEvent: note('an object') });
    socket.addEventListener('message', note('once'), { once: true });
    await socket.opened;
    for (const data of ['1', '2']) {
      socket.send(data);
      await until(() => texts(socket).includes(data));
    }
    socket.onmessage = null;
    say(socket.onmessage);
    socket.onmessage = note('handler, set again');
    socket.removeEventListener('message', twice);
    socket.send('3');
    await until(() => texts(socket).includes('3'));
  },
  'a handler that is also a listener is called twice': async ({ open, say, until }) => {
    const socket = open('/echo');
    const both = () => say('called');
    socket.onmessage = both;
    socket.addEventListener('message', both);
    await socket.opened;
    socket.send('1');
    await until(() => texts(socket).includes('1'));
  },
  'what a handler may be': async ({ open, say }) => {
    const socket = open('/echo');
    for (const value of [5, 'text', undefined, null, { handleEvent() {} }]) {
      socket.onopen = value;
      say(typeof socket.onopen, socket.onopen === null);
    }
    await socket.opened;
  },
  'what a listener may be': async ({ open, say }) => {
    const socket = open('/echo');
    for (const given of [
      [],
      ['open'],
      ['open', null],
      ['open', undefined],
      ['open', 5],
      ['open', 'text'],
      ['open', {}],
      ['open', () => {}, { signal: null }],
    ]) {
      if (given[1] !== undefined && typeof given[1] === 'object' && given[1] !== null && given.length === 2) continue;
      attempt(say, () => socket.addEventListener(...given));
    }
    attempt(say, () => socket.removeEventListener('open'));
    await socket.opened;
  },
  'a listener that is added or removed meanwhile': async ({ open, say, until }) => {
    const socket = open('/echo');
    const gone = () => say('removed');
    const controller = new AbortController();
    socket.addEventListener(
      'message',
      () => {
        say('first');
        socket.removeEventListener('message', gone);
        socket.addEventListener('message', () => say('added'), { once: true });
        controller.abort();
      },
      { once: true },
    );
    socket.addEventListener('message', gone);
    socket.addEventListener('message', () => say('aborted'), { signal: controller.signal });
    await socket.opened;
    socket.send('1');
    await until(() => texts(socket).includes('1'));
    say('-');
    socket.send('2');
    await until(() => texts(socket).includes('2'));
  },
  'an event that is stopped, and one of its own': async ({ open, say }) => {
    const socket = open('/echo');
    socket.addEventListener('own', (event) => {
      say('first', event.isTrusted);
      event.stopImmediatePropagation();
    });
    socket.addEventListener('own', () => say('second'));
    say(socket.dispatchEvent(new Event('own')), socket.dispatchEvent(new Event('other')));
    socket.addEventListener('asked', (event) => event.preventDefault());
    say(socket.dispatchEvent(new Event('asked', { cancelable: true })), socket.dispatchEvent(new Event('asked')));
    attempt(say, () => socket.dispatchEvent({ type: 'own' }));
  },
  'close, by its arguments': async ({ open, say, until }) => {
    const given = [
      [],
      [undefined],
      [1000],
      [1000, ''],
      [4000, 'a'],
      ['4000', 'a'],
      [1000.4, 'a'],
      [3000.5, 'a'],
      [3001.5, 'b'],
      [3000, null],
      [3000, 5],
      [4000, new Error('x')],
      [undefined, 'why'],
      [undefined, ''],
      [4999, 'x'.repeat(123)],
      [4000, 'é'.repeat(61)],
      [4000, 'a\ud800'],
    ];
    for (const each of given) {
      const socket = open('/mirror');
      await socket.opened;
      attempt(say, () => socket.close(...each));
      say(socket.readyState);
      if (socket.readyState === 1) continue;
      await until(() => socket.isOver);
      say(...socket.story, socket.readyState);
    }
  },
  'close, refused': async ({ open, say }) => {
    const socket = open('/echo');
    for (const each of [
      [null],
      [999],
      [1001],
      [1005],
      [2999],
      [5000],
      [65_536 + 1000],
      [NaN],
      ['x'],
      [Infinity],
      [true],
      [{}],
      [1000, 'x'.repeat(124)],
      [1000, 'é'.repeat(62)],
    ])
      attempt(say, () => socket.close(...each));
    say(socket.readyState);
  },
  'closed before it is open': async ({ open, say, until }) => {
    const socket = open('/echo');
    socket.close();
    say(socket.readyState);
    await until(() => socket.isOver);
    say(...socket.story);
  },
  'closed twice, and spoken to afterwards': async ({ open, say, until }) => {
    const socket = open('/mirror');
    await socket.opened;
    socket.close(4001, 'one');
    socket.close(4002, 'two');
    socket.send('late');
    say(socket.bufferedAmount, socket.readyState);
    await until(() => socket.isOver);
    socket.send('later');
    say(...socket.story, socket.bufferedAmount);
  },
  'send, by its arguments': async ({ open, say }) => {
    const socket = open('/echo');
    attempt(say, () => socket.send());
    attempt(say, () => socket.send('early'));
    await socket.opened;
    attempt(say, () => socket.send());
    attempt(say, () => socket.send(Symbol('x')));
  },
  'closed by the server': async ({ open, say, until }) => {
    const socket = open('/echo');
    await socket.opened;
    socket.send('bye');
    await until(() => socket.isOver);
    say(...socket.story, socket.readyState);
  },
  'a denial': async ({ open, say, until }) => {
    const socket = open('/private');
    await until(() => socket.isOver);
    say(...socket.story, socket.readyState);
  },
  subprotocols: async ({ open, say, until }) => {
    const socket = open('/protocol', ['v1', 'v2']);
    await socket.opened;
    say(socket.protocol);
    const none = open('/echo', 'v9');
    await until(() => none.isOver);
    say(...none.story, none.protocol);
    for (const bad of [['a', 'a'], 'a b', ['']]) attempt(say, () => void open('/echo', bad));
  },
  addresses: async ({ open, say, base, WebSocket }) => {
    for (const bad of [`${base}/echo#part`, `${base}/echo#`]) attempt(say, () => void new WebSocket(bad));
    const socket = open('/echo?a=1&b=%20');
    say(socket.url.slice(socket.url.indexOf('/echo')));
    await socket.opened;
  },
};

export async function runSuite({ WebSocket, base }) {
  const results = {};
  for (const [name, run] of Object.entries(cases)) {
    const said = [];
    const made = [];
    const say = (...what) => said.push(...what);
    const until = async (isSo) => {
      for (let turns = 0; !isSo(); turns += 1) {
        if (turns > 3_000) throw new Error('it never came');
        // real time: a browser has no other
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const open = (path, protocols) => {
      const socket = protocols === undefined ? new WebSocket(base + path) : new WebSocket(base + path, protocols);
      made.push(socket);
      Object.assign(socket, { story: [], data: [], isOver: false });
      socket.addEventListener('open', () => socket.story.push('open'));
      socket.addEventListener('error', () => socket.story.push('error'));
      socket.addEventListener('close', ({ code, reason, wasClean, type }) => {
        socket.story.push(`${type} ${code} ${reason} ${wasClean}`);
        socket.isOver = true;
      });
      const isBytes = (data) => typeof data !== 'string';
      socket.addEventListener('message', ({ data }) => (isBytes(data) ? socket.data : socket.story).push(data));
      socket.opened = until(() => socket.story.includes('open'));
      socket.opened.catch(() => {});
      return socket;
    };
    try {
      await run({ open, say, until, base, WebSocket });
    } catch (error) {
      say(`failed: ${error.message}`);
    }
    for (const socket of made) socket.close();
    results[name] = said.map(String);
  }
  return results;
}
