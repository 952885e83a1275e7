import { App } from 'channelbox';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Answers each word, and `forget` with a timer that it leaves behind. */
export function leavingApp() {
  return new App({ logger: quiet }).wsRoute('/words', async (ws) => {
    await ws.accept();
    for await (const { data } of ws) {
      if (data === 'forget') ws.app.clock.setTimeout(() => {}, 60_000, 'forgotten');
      await ws.sendJson({ heard: data });
    }
  });
}
