import { BoxError } from '../../src/index.ts';

/** @throws {BoxError} `CHANNELBOX_PAYLOAD_ENCODING` for what JSON cannot carry: a cycle, a BigInt, a function, undefined */
export function jsonTextOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    const [why] = (error instanceof Error ? error.message : String(error)).split('\n', 1);
    throw new BoxError(
      'CHANNELBOX_PAYLOAD_ENCODING',
      `sendJson: ${kindOf(value)} came that cannot be written as JSON: ${why}; send plain data`,
      { cause: error },
    );
  }
  if (text === undefined) {
    throw new BoxError(
      'CHANNELBOX_PAYLOAD_ENCODING',
      `sendJson: ${kindOf(value)} came, which has no JSON text; send null or plain data`,
    );
  }
  return text;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
