import { App, consumer } from 'channelbox';
import { renew, signedIn, type TokenRules } from './signed-in.ts';

interface Renewal {
  readonly type: 'token';
  readonly token: string;
}

/** Who is signed in is told so, and may renew the token over the open connection. */
export function createApp(rules: TokenRules): App {
  const whoami = consumer('/whoami', {
    encoding: 'json',
    middleware: [signedIn(rules)],
    async onConnect(ws) {
      // None of the client's tokens is sent back to it; a subprotocol of its own is.
      await ws.accept(ws.subprotocols.includes('chat') ? { subprotocol: 'chat' } : {});
      await this.send({ type: 'signed-in', user: ws.state.user?.name });
    },
    async onReceive(ws, frame) {
      const { type, token } = (frame ?? {}) as Partial<Renewal>;
      if (type !== 'token' || typeof token !== 'string') return;
      const isRenewed = await renew(ws, token, rules);
      await this.send({ type: isRenewed ? 'renewed' : 'refused' });
    },
  });
  return new App().addWsRoute(whoami);
}
