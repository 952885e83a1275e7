/** The documents' other spellings, all in one place; docs/nexios.md has the whole table. */
export {
  WebSocketConsumer as WebSocketEndpoint,
  WebSocketConsumer as WebSocketController,
} from './consumer/consumer.ts';

/** Nexios's enum of payload kinds; the strings themselves do as well. */
export const PayloadTypeEnum: { readonly JSON: 'json'; readonly TEXT: 'text'; readonly BYTES: 'bytes' } = {
  JSON: 'json',
  TEXT: 'text',
  BYTES: 'bytes',
};

/** RFC 6455 §7.4.1 by name, as in `status.WS_1011_INTERNAL_ERROR`. */
export const status: {
  readonly WS_1000_NORMAL_CLOSURE: 1000;
  readonly WS_1001_GOING_AWAY: 1001;
  readonly WS_1002_PROTOCOL_ERROR: 1002;
  readonly WS_1003_UNSUPPORTED_DATA: 1003;
  readonly WS_1007_INVALID_FRAME_PAYLOAD_DATA: 1007;
  readonly WS_1008_POLICY_VIOLATION: 1008;
  readonly WS_1009_MESSAGE_TOO_BIG: 1009;
  readonly WS_1011_INTERNAL_ERROR: 1011;
  readonly WS_1012_SERVICE_RESTART: 1012;
  readonly WS_1013_TRY_AGAIN_LATER: 1013;
  readonly WS_4408_CHANNEL_EXPIRED: 4408;
} = {
  WS_1000_NORMAL_CLOSURE: 1000,
  WS_1001_GOING_AWAY: 1001,
  WS_1002_PROTOCOL_ERROR: 1002,
  WS_1003_UNSUPPORTED_DATA: 1003,
  WS_1007_INVALID_FRAME_PAYLOAD_DATA: 1007,
  WS_1008_POLICY_VIOLATION: 1008,
  WS_1009_MESSAGE_TOO_BIG: 1009,
  WS_1011_INTERNAL_ERROR: 1011,
  WS_1012_SERVICE_RESTART: 1012,
  WS_1013_TRY_AGAIN_LATER: 1013,
  WS_4408_CHANNEL_EXPIRED: 4408,
};
