/** Nothing follows a stamp in a text, or a space and the payload do, JSON where it is no string. */
export function payloadText(payload: unknown): string {
  if (payload === undefined) return '';
  return ` ${typeof payload === 'string' ? payload : JSON.stringify(payload)}`;
}
