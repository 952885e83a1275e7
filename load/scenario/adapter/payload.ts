/** What follows a stamp in a text: nothing, or a space and the payload, JSON where it is no string. */
export function payloadText(payload: unknown): string {
  if (payload === undefined) return '';
  return ` ${typeof payload === 'string' ? payload : JSON.stringify(payload)}`;
}
