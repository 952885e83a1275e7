/** Says what a close code means: RFC 6455 §7.4.1, the codes channelbox itself sends, and what has no code. */
export function closeMeaning(code: string): string {
  return closeMeanings[code] ?? '';
}

const closeMeanings: Readonly<Record<string, string>> = {
  '1000': 'ended in order',
  '1001': 'going away',
  '1002': 'protocol error',
  '1003': 'frame of the wrong kind',
  '1005': 'closed without a code',
  '1006': 'connection lost without a close',
  '1007': 'bad data',
  '1008': 'policy, or rate limit',
  '1009': 'message too large',
  '1011': 'error in the server',
  '1012': 'server restarts',
  '1013': 'too slow: the buffer of this client was full',
  '4408': 'expired',
  chaos: 'ended by our own chaos',
  unanswered: 'did not answer our close',
};
