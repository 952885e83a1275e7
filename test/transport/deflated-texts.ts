import { room, type BroadcastServer } from './broadcast-server.ts';

/** Past and below the size from which it is deflated; characters of one to four bytes; what deflating cannot shrink. */
export const texts: readonly string[] = [
  'short',
  'word by word '.repeat(200),
  'é€😀 ß '.repeat(400),
  Array.from({ length: 3000 }, (_, at) => String.fromCodePoint(0x4e00 + ((at * 7919) % 20_000))).join(''),
  'a'.repeat(70_000),
  'word by word '.repeat(200),
];

/** In one turn, so that deflated frames and plain ones are joined. */
export function publish({ app }: BroadcastServer): void {
  for (const text of texts) void app.channelBox.groupSend(room, text);
}
