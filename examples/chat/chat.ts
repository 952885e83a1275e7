import { App, ChannelBox, rateLimit, type AppOptions, type ChannelLayer, type RateLimitOptions } from 'channelbox';
import { Attendance } from './attendance.ts';
import { ChatRoom } from './chat-room.ts';
import { roomFrame } from './protocol.ts';

export interface ChatOptions extends Pick<AppOptions, 'clock' | 'http' | 'logger' | 'onError' | 'origins'> {
  /** Of one connection; default 5 a second, 20 at once. False: none, for a load test. */
  readonly rateLimit?: RateLimitOptions | false;
  /** Messages that a newcomer is shown, 50. */
  readonly historyMax?: number;
  /** Messages that somebody who was away may catch up on, 500. */
  readonly resumeMax?: number;
  /** Rooms with more people than this are counted, not listed; 200. */
  readonly peopleMax?: number;
  /** What joins this process to others: `redisLayer({ url })`. Default: this process alone. */
  readonly layer?: ChannelLayer;
}

/** A family, an office behind one address; a load test, which switches the rate limit off, comes from few addresses. */
const perAddressMax = 100;

/** More than a person types, and room for what waited while the connection was away. */
const humanRate: RateLimitOptions = { messages: 5, burst: 20 };

/**
 * The chat server as an app, without a port: `createChat().listen(8080)` opens one; a test hands in its clock,
 * `testApp(createChat)`.
 */
export function createChat(options: ChatOptions = {}): App {
  const {
    rateLimit: rate = humanRate,
    historyMax = 50,
    resumeMax = 500,
    peopleMax = 200,
    layer,
    ...appOptions
  } = options;
  const attendance = new Attendance();
  const app = new App({
    // The largest message is 2 000 characters, 12 000 bytes where JSON escapes every one of them.
    limits: { maxPayloadBytes: 16 * 1024, connectionsPerAddress: rate === false ? Infinity : perAddressMax },
    channelBox: new ChannelBox({
      frame: roomFrame,
      // All that a room says is saved, so that a loss of what was not concerns nobody.
      onMissed: (room, what) => what.saved && attendance.reset(room),
      ...(layer === undefined ? {} : { layer }),
    }),
    ...appOptions,
  });
  if (rate !== false) app.addWsMiddleware(rateLimit(rate));
  return app.addWsRoute(
    ChatRoom.asRoute('/room/{room}', { attendance, historyMax, resumeMax, peopleMax, isShared: layer !== undefined }),
  );
}
