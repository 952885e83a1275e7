/** An address says where the broker is, and what must never be shown of it. */
export interface BrokerAddress {
  /** Of one server, as the client takes it. Empty where sentinels are asked. */
  readonly connection: Readonly<Record<string, unknown>>;
  readonly socket: Readonly<Record<string, unknown>>;
  readonly sentinel: SentinelAddress | undefined;
  /** Parts that are replaced in every message. */
  readonly secrets: readonly string[];
  /** Host and port, or path: for people. */
  readonly place: string;
}

export interface SentinelAddress {
  readonly name: string;
  readonly sentinelRootNodes: readonly { readonly host: string; readonly port: number }[];
  readonly nodeClientOptions?: Readonly<Record<string, unknown>>;
  readonly sentinelClientOptions?: Readonly<Record<string, unknown>>;
  readonly nodeAddressMap?:
    | Readonly<Record<string, { host: string; port: number }>>
    | ((address: string) => { host: string; port: number } | undefined);
}

type Refuse = (name: string, came: string, allowed: string) => never;
const allowedUrl = 'redis://host:port, rediss://host:port or unix:/path/to/socket';

export function addressOf(
  options: { readonly url?: string | undefined; readonly client?: object; readonly sentinel?: object },
  refuse: Refuse,
): BrokerAddress {
  const client = (options.client ?? {}) as Record<string, unknown>;
  if (options.sentinel !== undefined) return sentinelOf(options, client, refuse);
  const url = options.url ?? process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
  if (typeof url !== 'string') return refuse('url', `is ${typeof url}`, allowedUrl);
  const secrets = secretsOf(client);
  if (url.startsWith('unix:')) return unixOf(url, secrets, refuse);
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) return refuse('url', 'cannot be read', allowedUrl);
  const { hostname, port, protocol, username, password, pathname } = new URL(url);
  const database = pathname.length > 1 ? Number(pathname.slice(1)) : undefined;
  if (database !== undefined && !Number.isInteger(database))
    refuse('url', 'names no database', `${allowedUrl}, then /0`);
  const host = hostname === '' ? '127.0.0.1' : hostname.replace(/^\[(.*)\]$/, '$1');
  const secret = plain(password);
  return {
    connection: {
      ...(username === '' ? {} : { username: plain(username) }),
      ...(password === '' ? {} : { password: secret }),
      ...(database === undefined ? {} : { database }),
    },
    socket: { host, port: port === '' ? 6379 : Number(port), ...(protocol === 'rediss:' ? { tls: true } : {}) },
    sentinel: undefined,
    secrets: [...secrets, password, secret].filter((text) => text !== ''),
    place: `${hostname}:${port === '' ? '6379' : port}`,
  };
}

function unixOf(url: string, secrets: readonly string[], refuse: Refuse): BrokerAddress {
  const match = /^unix:(?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?)?(\/[^?#]+)(?:\?db=(\d+))?$/.exec(url);
  if (match === null) return refuse('url', 'cannot be read', allowedUrl);
  const [, username = '', password = '', path = '', database] = match;
  return {
    connection: {
      ...(username === '' ? {} : { username: plain(username) }),
      ...(password === '' ? {} : { password: plain(password) }),
      ...(database === undefined ? {} : { database: Number(database) }),
    },
    socket: { path: plain(path) },
    sentinel: undefined,
    secrets: [...secrets, password, plain(password)].filter((text) => text !== ''),
    place: plain(path),
  };
}

function sentinelOf(
  options: { readonly url?: string | undefined; readonly sentinel?: object },
  client: Record<string, unknown>,
  refuse: Refuse,
): BrokerAddress {
  if (options.url !== undefined) refuse('url', 'was given beside sentinel', 'one of the two');
  const sentinel = options.sentinel as SentinelAddress;
  if (typeof sentinel.name !== 'string' || !Array.isArray(sentinel.sentinelRootNodes)) {
    refuse('sentinel', 'lacks name or sentinelRootNodes', '{ name, sentinelRootNodes: [{ host, port }] }');
  }
  const secrets = [client, sentinel.nodeClientOptions ?? {}, sentinel.sentinelClientOptions ?? {}].flatMap(secretsOf);
  return { connection: {}, socket: {}, sentinel, secrets, place: `the master of ${sentinel.name}` };
}

function secretsOf(options: Readonly<Record<string, unknown>>): string[] {
  const { password } = options;
  return typeof password === 'string' && password !== '' ? [password] : [];
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
