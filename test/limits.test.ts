import { App, LimitError, rateLimit } from 'channelbox';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../src/limits.ts';

const numbers = Object.keys(defaultLimits).filter((name) => name !== 'slowConsumer');

describe('a limit', () => {
  test.each(numbers.flatMap((name) => [0, -1, Number.NaN, '5', null].map((value) => [name, value] as const)))(
    '%s of %s is refused',
    (name, value) => {
      expect(() => new App({ limits: { [name]: value } })).toThrow(LimitError);
    },
  );

  test.each(numbers)('%s may be without bound', (name) => {
    expect(() => new App({ limits: { [name]: Infinity } })).not.toThrow();
  });

  test('that there is none of is refused, and the others are named', () => {
    expect(() => new App({ limits: { maxPayload: 1 } as object })).toThrow(/maxPayload;.*maxPayloadBytes/);
  });

  test('slowConsumer has two values', () => {
    expect(() => new App({ limits: { slowConsumer: 'wait' as 'drop' } })).toThrow(/allowed are 'close' and 'drop'/);
  });

  test.each(['maxConnections', 'groupsPerChannel', 'groupNameBytes'])('%s cannot be set by a route', (name) => {
    expect(() => new App().wsRoute('/', { limits: { [name]: 1 } }, () => {})).toThrow(LimitError);
  });

  test.each(['messages', 'perMs', 'burst'])('of the rate, %s, is a number above 0', (name) => {
    expect(() => rateLimit({ messages: 1, [name]: 0 })).toThrow(
      expect.objectContaining({ code: 'CHANNELBOX_RATE_LIMIT' }),
    );
  });
});
