import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { App, type Clock, type Middleware } from 'channelbox';

declare module 'channelbox' {
  interface State {
    device?: { readonly name: string };
  }
}

export interface CertificateOptions {
  readonly key: string;
  readonly cert: string;
  /** Who signs the clients' certificates; nobody else's are taken. */
  readonly ca: string;
  /** By which certificates run out for those who are in; default: the machine's. */
  readonly clock?: Clock;
}

/** Devices that sign in by their certificates, and stay as long as these are valid. */
export function createDevices({ clock, ...options }: CertificateOptions): { app: App; server: Server } {
  const app = new App(clock === undefined ? {} : { clock })
    .addWsMiddleware(byCertificate)
    .wsRoute('/devices', async (ws) => {
      await ws.accept();
      await ws.sendJson({ device: ws.state.device?.name });
      for await (const _ of ws);
    });
  // Who brings no certificate is told so by HTTP; with `rejectUnauthorized: true` TLS itself would hang up.
  const server = createServer({ ...options, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  app.attach(server);
  return { app, server };
}

const byCertificate: Middleware = async (ws, next) => {
  const socket = ws.request?.socket as TLSSocket | undefined;
  // `authorized` says that it is signed by our authority and valid now; the name alone says nothing.
  if (socket?.authorized !== true) return ws.deny(401);
  const { subject, valid_to: validTo } = socket.getPeerCertificate();
  const name = subject.CN;
  ws.state.device = { name: typeof name === 'string' ? name : 'unnamed' };
  ws.closeAt(Date.parse(validTo) / 1000, 4401, 'the certificate has run out');
  await next();
};
