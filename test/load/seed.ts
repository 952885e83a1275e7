/**
 * The seed of a random test: a new one each time, or the one in `CHANNELBOX_SEED` to replay a failure. A test names it in the
 * message of its assertions.
 */
export function seedOfTest(): number {
  const given = process.env['CHANNELBOX_SEED'];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
