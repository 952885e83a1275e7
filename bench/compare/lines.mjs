/** One JSON value a line, both ways: what orchestrator, server and client speak on their standard streams. */
export function onLines(stream, take) {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) take(JSON.parse(line));
  });
}

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
