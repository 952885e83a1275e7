import 'channelbox/testing/vitest';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';
import { auctionHouse } from '../src/auction.ts';

test('everybody hears the highest bid', async ({ onTestFinished }) => {
  const t = testApp(auctionHouse(), { after: onTestFinished });
  const [ann, bob] = await t.connectAll(2, '/auction/vase', (at) => ({ query: { bidder: ['Ann', 'Bob'][at] ?? '' } }));

  ann.sendJson(100);
  await bob.expect({ highest: { bidder: 'Ann', amount: 100 } });
  bob.sendJson(90);
  await expect(bob).toReceive({ refused: 90 });
  await expect(ann).not.toReceive({ refused: 90 });
  await t.clock.advance('10s');
});

test('the hammer falls ten seconds after the last bid', async ({ onTestFinished }) => {
  const t = testApp(auctionHouse(), { after: onTestFinished });
  const ann = await t.connect('/auction/vase', { query: { bidder: 'Ann' }, name: 'ann' });

  ann.sendJson(100);
  await t.clock.advance('9s');
  ann.sendJson(101);
  await ann.expectSequence([{ highest: { bidder: 'Ann', amount: 100 } }, { highest: { bidder: 'Ann', amount: 101 } }]);
  await ann.expectNothing({ for: '9999ms' });
  await ann.expect({ sold: { bidder: 'Ann', amount: 101 } }, { within: '1ms' });
});

test('strangers are denied, and what is no bid ends the connection', async ({ onTestFinished }) => {
  const t = testApp(auctionHouse(), { after: onTestFinished });
  await expect(t.handshake('/auction/vase')).toBeDeniedWith(401, { body: /say who you are/ });

  const ann = await t.connect('/auction/vase', { query: { bidder: 'Ann' } });
  ann.sendJson('a lot');
  await expect(ann).toBeClosedWith(4000, 'a bid is a number');
  await expect(t).toHaveMembers('vase', 0);
});
