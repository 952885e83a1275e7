import { App, consumer } from 'channelbox';
import { testApp } from 'channelbox/testing';
import { expect, test } from 'vitest';

const dayMs = 24 * 60 * 60 * 1_000;

test.each([dayMs, -dayMs, 365 * dayMs])(
  'a jump of the wall clock by %d ms closes nobody and expires nothing',
  async (jumpMs) => {
    const app = new App().addWsRoute(
      consumer('/', {
        encoding: 'text',
        expires: 60,
        async onConnect(ws) {
          await ws.accept();
          await this.joinGroup('room');
        },
        async onReceive(_ws, said) {
          await this.broadcast(said, 'room');
        },
      }),
    );
    await using t = testApp(app);
    const client = await t.connect('/');

    t.clock.setWall(t.clock.now() + jumpMs);
    await t.clock.advance('59s');
    client.sendText('still here');

    await client.expect('still here');
    expect(app.inspect()).toMatchObject({ connections: 1, memberships: 1 });
    await t.clock.advance('59s');
    await client.expectNothing();
    await t.clock.advance('1s');
    await client.expectClosed({ code: 4408 });
  },
);
