import type { HistoryEntry, Position, StandardSchemaV1 } from 'channelbox';

/** UTF-16 units, as an input's `maxlength` counts them. */
export const bounds = { contentMax: 2000, userMax: 32, roomMax: 64, idMax: 64 } as const;

/** What a client may send. */
export type ClientFrame =
  | {
      readonly type: 'message';
      readonly content: string;
      /** Comes back with the message, so that its sender knows it arrived, and sends it again where it did not. */
      readonly id?: string;
    }
  /** A browser cannot see the pings of WebSocket itself. */
  | { readonly type: 'ping' };

/** A message in a room, as it is saved. `timestamp` is Unix seconds, as in the Nexios documents. */
export interface ChatMessage {
  readonly type: 'chat';
  readonly user: string;
  /** Of the connection: two people may have one name. */
  readonly member: string;
  readonly message: string;
  readonly timestamp: number;
  readonly id?: string;
}

/** Somebody came or left. It is not saved: whoever comes and goes must not push out what others said. */
export interface Notice {
  readonly type: 'system';
  readonly message: string;
  readonly timestamp: number;
  /** How many are in the room now. */
  readonly users: number;
  readonly event: 'joined' | 'left';
  readonly user: string;
  readonly member: string;
}

/** A message with its place in the room's history, `<epoch>:<offset>`. */
export type PlacedMessage = ChatMessage & { readonly position: string };

/** What members receive. */
export type RoomFrame = PlacedMessage | Notice;

/** The first frame of every connection. */
export interface HistoryFrame {
  readonly type: 'history';
  /** Oldest first. */
  readonly messages: readonly PlacedMessage[];
  /** False where messages between `since` and these are gone. */
  readonly recovered: boolean;
  /** Where to go on from after a reconnect. */
  readonly position: string;
  readonly users: number;
  /** This connection, as notices name it. */
  readonly member: string;
  /** Who is there; left out in a crowd, where only `users` counts. */
  readonly people?: readonly Person[];
}

export interface Person {
  readonly member: string;
  readonly user: string;
}

/** Messages of the room are lost for this connection: what it has is no longer whole. It comes again, and sees the gap. */
export interface ResetFrame {
  readonly type: 'reset';
}

/** What was wrong with the oldest frame not yet answered. The connection lives on. */
export interface ErrorFrame {
  readonly type: 'error';
  readonly code: 'bad-json' | 'refused-by-schema';
  readonly message: string;
}

/** What a box sends to the members of a room for each saved message: the message and where it stands. */
export function roomFrame({ payload, position }: HistoryEntry): PlacedMessage {
  return { ...(payload as ChatMessage), position: formatPosition(position) };
}

export function formatPosition({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** @returns undefined for none, and for what no server ever said: then the history starts anew */
export function parsePosition(text: string | null): Position | undefined {
  const parts = /^(.+):(\d{1,15})$/s.exec(text ?? '');
  return parts === null ? undefined : { epoch: parts[1] as string, offset: Number(parts[2]) };
}

/**
 * The name a client chose, without what would disturb the line it stands in, and without what cannot be seen: nobody shall
 * look like somebody else. The joiner between two pictures of one emoji stays, since it can be seen.
 */
export function cleanName(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll('\ufe0f', '')
    .replace(pictures, (_all, picture?: string, blank?: string) => picture ?? (blank === undefined ? '' : ' '))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Joined pictures, which stay; what is blank or controls; what is drawn as nothing. */
const pictures =
  /(\p{Extended_Pictographic}\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}\p{Emoji_Modifier}?)+)|([\p{Cc}\u2800])|[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;

/** A Standard Schema by hand; one of zod, valibot or arktype fits in its place. */
export const clientFrame: StandardSchemaV1<unknown, ClientFrame> = {
  '~standard': {
    version: 1,
    vendor: 'channelbox-chat',
    validate(value) {
      const frame = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
      if (frame['type'] === 'ping') return { value: { type: 'ping' } };
      if (frame['type'] !== 'message') return refusal('type is none of "message", "ping"');
      const { content, id } = frame;
      if (typeof content !== 'string' || content.trim() === '') return refusal('content is no text, or blank');
      if (content.length > bounds.contentMax) {
        return refusal(`content is ${content.length} characters, at most ${bounds.contentMax} are allowed`);
      }
      if (id === undefined) return { value: { type: 'message', content } };
      if (typeof id !== 'string' || id.length > bounds.idMax) {
        return refusal(`id is no text of at most ${bounds.idMax} characters`);
      }
      return { value: { type: 'message', content, id } };
    },
  },
};

function refusal(message: string): { issues: { message: string }[] } {
  return { issues: [{ message }] };
}
