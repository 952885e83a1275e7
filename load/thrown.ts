/**
 * This says in words what code that is not ours threw: its message, and the place where a stack has one. Over the
 * bounds of a process, and on a terminal, nothing else is left of it.
 */
export function describeThrown(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)} was thrown`;
  // Of a SyntaxError the message has the place; its stack is that of whoever read the file.
  const place = error instanceof SyntaxError ? undefined : placeIn(error.stack ?? '');
  return place === undefined ? error.message : `${error.message} (thrown at ${place})`;
}

/** `file:line:column` of the innermost call, unless that is Node's own or was never in a file. */
function placeIn(stack: string): string | undefined {
  const [call = ''] = /^ +at .*$/m.exec(stack) ?? [];
  const [, place] = /(?:\(|at (?:async )?)(?:file:\/\/)?([^()]+:\d+:\d+)\)?$/.exec(call) ?? [];
  return place === undefined || /^(?:node|data):/.test(place) ? undefined : place;
}
