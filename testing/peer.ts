import { ChannelBoxError } from '../src/index.ts';

/**
 * An optional package, or advice.
 * @throws {ChannelBoxError} `CHANNELBOX_NO_PEER` where it is not installed
 */
export async function peer<T>(name: string, wanted: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    throw new ChannelBoxError('CHANNELBOX_NO_PEER', `${wanted} needs ${name}; run \`npm install -D ${name}\``, {
      cause: error,
    });
  }
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const isCode = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isCode && String(message).includes(name);
}
