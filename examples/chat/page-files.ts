import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

const mediaTypes = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

const scripts = ['page.js', 'conversation.js', 'chat-client.js', 'log-view.js', 'people-view.js', 'place.js'];
const files = ['index.html', 'style.css', 'icon.svg', ...scripts];

/** The page brings all it needs, and may load, send and be framed nowhere else: a script in a message stays text. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** Answers plain HTTP: the page at `/`, and at `/health` that it is there. */
export function pageFiles(): RequestListener {
  const contents = new Map(files.map((name) => [`/${name}`, readFileSync(new URL(name, folder()))]));
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return answer(request, response, { status: 405, type: 'text/plain', body: 'only GET and HEAD are answered\n' });
    }
    const path = (request.url ?? '/').replace(/[?#].*$/s, '');
    // That it answers, and nothing else: how many are here is nobody's business but the operator's, see --metrics.
    if (path === '/health') return answer(request, response, { status: 200, type: 'text/plain', body: 'ok\n' });
    const name = path === '/' ? '/index.html' : path;
    const body = contents.get(name);
    if (body === undefined) return answer(request, response, { status: 404, type: 'text/plain', body: 'not found\n' });
    const type = mediaTypes[name.slice(name.lastIndexOf('.') + 1) as keyof typeof mediaTypes];
    return answer(request, response, { status: 200, type, body });
  };
}

/** Beside this file; where it was compiled into `dist` and nothing was copied there, among the sources. */
function folder(): URL {
  const beside = new URL('./page/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../../examples/chat/page/', import.meta.url);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: { readonly status: number; readonly type: string; readonly body: string | Buffer },
): void {
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}
