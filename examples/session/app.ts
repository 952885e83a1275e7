import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import { App, consumer, type Clock, type Middleware } from 'channelbox';
import express, { type Request, type RequestHandler, type Response } from 'express';
import session, { type Store } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}
declare module 'channelbox' {
  interface State {
    session?: { readonly id: string; readonly user: string };
  }
}

export interface SessionOptions {
  readonly secret: string;
  /** Where sessions live; more than one process needs one that they share. Default: this process. */
  readonly store?: Store;
  readonly maxAgeMs?: number;
  /** By which sessions run out for sockets; default: the machine's. */
  readonly clock?: Clock;
}

/** One sign-in for pages and sockets: the cookie of express-session opens both, and signing out closes both. */
export function createSite(options: SessionOptions): { app: App; server: Server } {
  const { secret, store, clock, maxAgeMs = 3_600_000 } = options;
  const sessions = session({
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', maxAge: maxAgeMs },
    ...(store === undefined ? {} : { store }),
  });
  const feed = consumer('/feed', {
    encoding: 'json',
    middleware: [withSession(sessions)],
    async onConnect(ws) {
      const found = ws.state.session;
      if (found === undefined) return ws.deny(401);
      await ws.accept();
      // Every socket of one session, on whichever node: so that signing out reaches them all.
      await this.joinGroup(groupOf(found.id));
      await this.send({ signedInAs: found.user });
    },
  });
  const app = new App(clock === undefined ? {} : { clock }).addWsRoute(feed);
  const web = express().use(sessions).use(express.json());
  web.post('/sign-in', (request, response) => {
    // A real one asks for more than a name. A fresh id keeps a planted cookie from becoming somebody's session.
    const { user } = request.body as { readonly user?: unknown };
    if (typeof user !== 'string') return void response.sendStatus(400);
    request.session.regenerate(() => {
      request.session.user = user;
      response.sendStatus(204);
    });
  });
  web.post('/sign-out', async (request, response) => {
    await app.channelBox.closeGroup(groupOf(request.session.id), { code: 4401, reason: 'signed out' });
    request.session.destroy(() => response.sendStatus(204));
  });
  const server = createServer(web);
  app.attach(server);
  return { app, server };
}

const groupOf = (sessionId: string): string => `session ${sessionId}`;

/** Runs what express would run, on the request that asks for the upgrade. The answer is never sent: no cookie is set here. */
function withSession(sessions: RequestHandler): Middleware {
  return async (ws, next) => {
    const request = ws.request as (IncomingMessage & Partial<Pick<Request, 'session'>>) | undefined;
    if (request === undefined) return ws.deny(500);
    const response = new ServerResponse(request);
    await new Promise<void>((resolve, reject) => {
      sessions(request as Request, response as Response, (error?: unknown) => {
        if (error === undefined) resolve();
        else reject(error as Error);
      });
    });
    const { session: found } = request;
    if (found?.user !== undefined) {
      ws.state.session = { id: found.id, user: found.user };
      const expires = found.cookie.expires;
      ws.closeAt(expires instanceof Date ? expires.getTime() / 1000 : null, 4401, 'the session has run out');
    }
    await next();
  };
}
