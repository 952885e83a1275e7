import { SignJWT } from 'jose';
import { testApp, type ConnectOptions, type TestApp } from 'channelbox/testing';
import { describe, expect, test } from 'vitest';
import { createApp } from '../../examples/jwt/app.ts';

const key = new TextEncoder().encode('a key of the test, 32 bytes long.');
const rules = { key, issuer: 'https://issuer.example', audience: 'https://chat.example' };

interface Claims {
  readonly sub?: string;
  readonly audience?: string;
  readonly key?: Uint8Array;
  readonly lastsSeconds?: number;
}

/** A token as the issuer gives it at the test's time. */
function token(
  t: TestApp,
  { sub = 'ann', audience = rules.audience, key: by = key, lastsSeconds = 60 }: Claims = {},
): Promise<string> {
  const seconds = Math.floor(t.clock.now() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setIssuer(rules.issuer)
    .setAudience(audience)
    .setExpirationTime(seconds + lastsSeconds)
    .sign(by);
}

const ways: readonly (readonly [string, (given: string) => ConnectOptions])[] = [
  ['the header', (given) => ({ headers: { authorization: `Bearer ${given}` } })],
  ['a cookie', (given) => ({ cookies: { theme: 'dark', token: given } })],
  ['a subprotocol', (given) => ({ subprotocols: ['chat', `bearer.${given}`] })],
  ['the query', (given) => ({ query: { token: given } })],
];

describe('examples/jwt', () => {
  test.each(ways)('takes a token from %s', async (_where, carry) => {
    await using t = testApp(() => createApp(rules));
    const ann = await t.connect('/whoami', carry(await token(t)));
    await ann.expect({ type: 'signed-in', user: 'ann' });
    expect(['', 'chat']).toContain(ann.subprotocol);
  });

  test.each(ways)('refuses what is no valid token in %s', async (_where, carry) => {
    await using t = testApp(() => createApp(rules));
    const wrong = [
      'nonsense',
      await token(t, { audience: 'https://elsewhere.example' }),
      await token(t, { key: new TextEncoder().encode('another key of somebody else, 32.') }),
      await token(t, { lastsSeconds: -1 }),
      // No signature at all: the header of "none".
      `eyJhbGciOiJub25lIn0.${(await token(t)).split('.')[1] ?? ''}.`,
    ];
    for (const given of wrong) expect(await t.handshake('/whoami', carry(given)), given).toMatchObject({ status: 401 });
    expect(await t.handshake('/whoami')).toMatchObject({ status: 401 });
  });

  test('lets go of a client when the token runs out, unless it is renewed', async () => {
    await using t = testApp(() => createApp(rules));
    const [ann, bob] = [
      await t.connect('/whoami', { query: { token: await token(t) } }),
      await t.connect('/whoami', { query: { token: await token(t, { sub: 'bob' }) } }),
    ];
    await ann.expect({ type: 'signed-in', user: 'ann' });
    await bob.expect({ type: 'signed-in', user: 'bob' });
    await t.clock.advance('50s');
    ann.sendJson({ type: 'token', token: await token(t) });
    await ann.expect({ type: 'renewed' });
    // The token of somebody else renews nothing.
    bob.sendJson({ type: 'token', token: await token(t) });
    await bob.expect({ type: 'refused' });

    await t.clock.advance('11s');
    await bob.expectClosed({ code: 4401, reason: 'the token has run out' });
    expect(ann.isOpen).toBe(true);
    await t.clock.advance('50s');
    await ann.expectClosed({ code: 4401 });
  });
});
