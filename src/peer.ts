import { ChannelBoxError } from './errors.ts';

/**
 * Loads an optional package, or says how to get it.
 * @param wanted what needs it, as a message names it
 * @throws {ChannelBoxError} `CHANNELBOX_NO_PEER` where it is not installed; what the package itself throws goes through
 */
export async function peer<T>(name: string, wanted: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    throw noPeer(name, wanted, error);
  }
}

/** Words the refusal for a caller that has to do without a package until it is really asked for. */
export function noPeer(name: string, wanted: string, cause: unknown): ChannelBoxError {
  return new ChannelBoxError('CHANNELBOX_NO_PEER', `${wanted} needs ${name}; run \`npm install -D ${name}\``, {
    cause,
  });
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const isCode = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isCode && String(message).includes(name);
}
