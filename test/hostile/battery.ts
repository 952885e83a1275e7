/** The index of bad input: what comes, and which test sends it. `call` stands where there is no wire to send it over. */
export interface BatteryRow {
  readonly row: number;
  readonly what: string;
  /** Words that stand in the test's name, or in the table it is made of. */
  readonly tests: readonly (readonly [file: string, words: string])[];
  /** Over raw TCP, by calls, or not at all, with the reason. */
  readonly over: 'tcp' | 'call' | 'does not apply: one version of HTTP' | 'does not apply: no attachments';
}

const tcp = (file: string, row: number, what: string, ...words: readonly string[]): BatteryRow => ({
  row,
  what,
  tests: (words.length === 0 ? [what] : words).map((word) => [`test/hostile/${file}.test.ts`, word] as const),
  over: 'tcp',
});
const call = (file: string, row: number, what: string, ...words: readonly string[]): BatteryRow => ({
  row,
  what,
  tests: words.map((word) => [file, word] as const),
  over: 'call',
});

export const battery: readonly BatteryRow[] = [
  // The handshake.
  tcp('handshake', 1, 'POST'),
  tcp('handshake', 2, 'a plain GET'),
  tcp('handshake', 3, 'no Upgrade header'),
  tcp('handshake', 4, 'an upgrade to h2c'),
  tcp('handshake', 5, 'no Sec-WebSocket-Key'),
  tcp('handshake', 6, 'a key that is not 16 bytes'),
  tcp('handshake', 7, 'two keys'),
  tcp('handshake', 8, 'version 14', 'version 14 is told which version there is'),
  tcp('handshake', 9, 'version 8'),
  tcp('handshake', 10, 'no Host', "'no Host'", 'two Hosts'),
  tcp('handshake', 11, 'a body', 'a body by Content-Length', 'a body in chunks'),
  tcp('handshake', 12, '2 600 headers'),
  tcp('handshake', 13, '20 kB of headers'),
  tcp('handshake', 14, 'control characters', 'a NUL in the path', 'a control character in a header'),
  tcp('handshake', 15, 'odd subprotocols', 'an empty subprotocol', 'with thousands of blanks is judged at once'),
  tcp('handshake', 16, 'extensions named as parts of objects', 'the extension %s, which is passed over'),
  tcp('handshake', 17, 'odd windows', 'a deflate window of %s bits is refused or left out'),
  tcp('handshake', 18, 'foreign origins', 'the Origin %s, with 403', 'its own Origin, written %s'),
  tcp('handshake', 19, 'a subprotocol that nobody chose'),
  tcp(
    'slow-headers.long',
    20,
    'headers a byte at a time',
    'headers that come a byte at a time',
    'by default within 10 s',
  ),
  tcp('vanishing', 21, 'a reset while the accept takes its time', 'by %s while its accept takes its time'),
  tcp('vanishing', 22, 'frames behind the request', 'in the packet of the handshake are handed out after it'),
  tcp('handshake', 23, 'a pipelined request', 'a request pipelined behind an accepted handshake'),
  tcp('vanishing', 24, 'a reset right behind the answer', 'right behind its handshake'),
  { row: 25, what: 'extended CONNECT', tests: [], over: 'does not apply: one version of HTTP' },
  tcp('handshake', 26, 'a token in the query', 'a token in the query reaches no log'),
  // Frames.
  tcp('frame', 27, 'reserved bits', 'a reserved bit'),
  tcp('frame', 28, 'reserved opcodes', 'the reserved opcode'),
  tcp('frame', 29, 'a frame that is not masked'),
  tcp('frame', 30, 'a fragmented ping'),
  tcp('frame', 31, 'a ping of 126 bytes'),
  tcp('frame', 32, 'a close of 1 byte'),
  tcp('frame', 33, 'close codes that may not be sent', 'the close code'),
  tcp('frame', 34, 'bad UTF-8', 'bad UTF-8 in text', 'bad UTF-8 in a reason'),
  tcp('frame', 35, 'UTF-8 cut across fragments'),
  tcp('frame', 36, 'a continuation of nothing'),
  tcp('frame', 37, 'a new message amid a fragmented one'),
  tcp('frame', 38, 'a claimed length of 2^63'),
  tcp(
    'frame',
    39,
    'more than may be sent',
    'a claimed length of 1 MiB and 1',
    'fragments that add up to more than 1 MiB',
  ),
  tcp('frame', 40, 'thousands of fragments', '20 000 fragments of 1 byte', '20 000 empty fragments'),
  tcp('frame', 41, 'one byte a packet'),
  {
    row: 42,
    what: 'a flood of pings, from who reads and from who does not',
    tests: [
      ['test/hostile/bounds.test.ts', 'are cut sooner where the peer does not read what answers them'],
      ['test/hostile/frame.test.ts', '200 pings in one burst from a peer that reads'],
    ],
    over: 'tcp',
  },
  tcp('frame', 43, 'pongs that nobody asked for'),
  tcp('frame', 44, 'a deflate bomb', 'a deflate bomb ends with 1009, by its inflated size'),
  tcp('frame', 45, 'deflated bytes that are none'),
  tcp('frame', 46, 'data after the close frame'),
  tcp('vanishing', 47, 'a close that is never answered', 'that the peer never answers is cut off after closeTimeoutMs'),
  // Messages.
  tcp('frame', 48, 'bad JSON'),
  tcp('frame', 49, 'JSON nested without end'),
  tcp('frame', 50, 'keys named __proto__ and constructor'),
  tcp('message', 51, 'JSON that is odd but allowed'),
  tcp('frame', 52, 'the wrong kind of frame', 'binary where text is due', 'text where bytes are due'),
  tcp('frame', 53, 'an empty message'),
  { row: 54, what: 'attachments that never come', tests: [], over: 'does not apply: no attachments' },
  tcp('message', 55, 'a message of a type that nobody knows'),
  tcp('message', 56, 'a burst over the rate', 'a burst over the rate closes with 1008'),
  tcp('vanishing', 57, 'messages before the accept', 'without end are held back by TCP, and none is lost'),
  // Calls that are wrong.
  tcp('message', 58, 'a send after the close', 'a send after the close is the value closed'),
  call('test/hostile/misuse.test.ts', 59, 'payloads that cannot be sent', 'by sendJson', 'undefined by sendText'),
  call('test/hostile/misuse.test.ts', 60, 'closes that may not be sent', 'close(${code})', 'bytes as a close reason'),
  call('test/hostile/misuse.test.ts', 61, 'a second accept', 'a second accept'),
  call('test/hostile/misuse.test.ts', 62, 'a buffer changed after it was sent', 'a buffer changed after it was sent'),
  call('test/socket/leaving.test.ts', 63, 'a join in onDisconnect', "await this.joinGroup('a'), ws.isConnected()"),
  call('test/hostile/misuse.test.ts', 64, 'leaving twice', 'GROUP_DOES_NOT_EXIST'),
  call('test/hostile/message.test.ts', 65, 'a publish amid a publish', 'waits for nothing and is heard once by each'),
  call(
    'test/hostile/message.test.ts',
    66,
    'a leave amid a publish',
    'in which a member leaves, reaches each of the others',
  ),
  // Paths and parameters.
  tcp('handshake', 67, 'broken escapes', 'a lone percent sign', 'a broken escape', 'an escaped NUL'),
  tcp('handshake', 68, 'paths that climb', 'escaped dot segments', 'an empty segment', 'a backslash'),
  tcp('names', 69, 'numbers that are none', '%s is none, and no route takes it'),
  tcp('handshake', 70, 'a path of 8 kB'),
  tcp('names', 71, 'a path that makes a matcher try again', 'a path made to make a matcher try again and again'),
  tcp('names', 72, 'a query that names a key twice'),
  // Names of groups.
  tcp('names', 73, 'names too short and too long', "'empty'", 'of 256 bytes'),
  tcp('names', 74, 'names with odd characters', 'with half a surrogate pair', 'a\\nb'),
  tcp('names', 75, 'names of parts of objects', '__proto__'),
  tcp('names', 76, 'names that are patterns', '{x}y', "'*'", "'?'"),
  tcp('names', 77, 'names that imitate keys', 'channelbox:leases'),
  tcp('names', 78, 'two spellings of one letter', 'in two spellings of one letter is two groups'),
  tcp('names', 79, 'a 129th group', 'is refused as the 129th of one socket'),
  // History.
  call('test/hostile/misuse.test.ts', 80, 'odd limits', 'showHistory with limit'),
  call(
    'test/hostile/misuse.test.ts',
    81,
    'a message too large to keep',
    'a message larger than the history of its group',
  ),
  call('test/hostile/misuse.test.ts', 82, 'odd expiries', 'expires ${String(expires)}', "'expires %d'"),
  call('test/hostile/misuse.test.ts', 83, 'positions of elsewhere', 'a position of another epoch or past the end'),
  call(
    'test/hostile/message.test.ts',
    84,
    'a message in each of many groups',
    'in twenty thousand groups costs no more',
  ),
  // What comes from a broker: cut short, of another shape or version, of nobody, of yesterday.
  ...[85, 86, 87, 88, 90].map((row) =>
    call('test/redis/processes/faults.ts', row, 'messages that are none of the layer', "'foreign messages'"),
  ),
  call('test/redis/foreign-data.test.ts', 89, 'a message of 64 MiB', '64 MiB on the channel of a group'),
  call('test/redis/foreign-data.test.ts', 91, 'a key of another type', 'a key of another type fails the calls'),
  call(
    'testing/conformance/layer-faults.ts',
    92,
    'what was delivered before',
    'what is no message of this layer is dropped',
  ),
];
