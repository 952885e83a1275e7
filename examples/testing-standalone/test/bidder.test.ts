import { bridgeMockSocket } from 'channelbox/testing/mock-socket';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';
import { auctionHouse } from '../src/auction.ts';
import { Bidder } from '../src/bidder.js';

test('the page shows an auction to its end', async () => {
  await using t = testApp(auctionHouse());
  using _bridge = bridgeMockSocket(t, 'wss://auctions.example');
  const [ann, bob] = [new Bidder('vase', 'Ann'), new Bidder('vase', 'Bob')];
  await t.settle();

  bob.bid(50);
  await t.settle();
  ann.bid(60);
  await t.clock.advance('10s');

  expect(bob.lines).toEqual(['Bob bids 50', 'Ann bids 60', 'sold to Ann']);
  expect(ann.lines).toEqual(bob.lines);
});
