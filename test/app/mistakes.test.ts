import { describe, expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { elsewhere, failing, meet, ofLayer, ofPeers, unawaited, unawaitedOfBox, type Outcome } from './mistakes.ts';
import { runProgram } from './program.ts';

describe('a call that fails and that nobody awaits closes its socket with 1011, and is told with its own stack', () => {
  test.each(Object.entries(unawaited))('%s', async (_what, hook) => {
    const outcome = await meet({ hook });
    expect(outcome).toMatchObject({ code: 1011, errors: 1, context: { route: '/x', hook: 'onReceive' } });
    expect(outcome.context?.connection).toMatch(/^[-0-9a-f]{36}$/);
    expect(outcome.stack).toContain('mistakes.ts');
  });

  test.each(Object.entries(unawaitedOfBox))('%s, which belongs to no connection', async (_what, hook) => {
    const { code, errors, context } = await meet({ hook });
    expect({ code, errors }).toEqual({ code: 0, errors: 1 });
    expect(context).toMatchObject({ connection: undefined, route: undefined });
  });

  test.each(Object.entries(ofLayer))('%s over a layer that fails later: 1013', async (_what, mistake) => {
    const { code, errors, context, stack } = await meet(mistake());
    expect({ code, errors }).toEqual({ code: 1013, errors: 1 });
    expect(context).toMatchObject({ route: '/x', hook: 'onReceive' });
    expect(stack).toMatch(/was called\n.*mistakes\.ts/s);
  });

  test('one that the app awaits, later in the turn, and catches is the app’s own', async () => {
    const { code, errors } = await meet({
      async hook(ws) {
        const sending = ws.sendJson(1n);
        await Promise.resolve();
        await sending.catch(() => {});
      },
    });
    expect({ code, errors }).toEqual({ code: 0, errors: 0 });
  });

  test('a later await still rejects', async () => {
    const caught = new Gate<unknown>();
    const { errors } = await meet({
      async hook(ws) {
        const sending = ws.sendJson(1n);
        while (ws.isConnected()) await new Promise(setImmediate);
        await sending.catch((error: unknown) => caught.open(error));
      },
    });
    expect(errors).toBe(1);
    expect(await caught.promise).toMatchObject({ code: 'CHANNELBOX_PAYLOAD_ENCODING' });
  });

  test.each(Object.entries(ofPeers))(
    'but for %s a frame that cannot be read closes with 1007',
    async (_what, mistake) => {
      expect(await meet(mistake)).toMatchObject({ code: 1007, errors: 0 });
    },
  );
});

describe('a hook that fails costs its socket', () => {
  test.each(Object.entries(failing))('that %s', async (_what, hook) => {
    expect(await meet({ hook })).toMatchObject({ code: 1011, errors: 1, context: { route: '/x', hook: 'onReceive' } });
  });
});

test('the whole kind of them ends no process that ends with unhandled rejections', async () => {
  const { stdout } = await runProgram(
    `import { elsewhere, failing, meet, ofPeers, unawaited, unawaitedOfBox } from './mistakes.ts';
    const hooks = { ...unawaited, ...unawaitedOfBox, ...failing };
    const mistakes = Object.entries({ ...elsewhere, ...ofPeers });
    for (const [what, hook] of Object.entries(hooks)) mistakes.push([what, { hook }]);
    const met = [];
    for (const [what, mistake] of mistakes) met.push([what, (await meet(mistake)).code]);
    console.log(JSON.stringify(met));`,
    '--unhandled-rejections=strict',
  );
  const count = [unawaited, unawaitedOfBox, failing, elsewhere, ofPeers].flatMap(Object.keys).length;
  expect(JSON.parse(stdout)).toHaveLength(count);
});

describe('where something of the app fails beside its handlers the socket meets what it would have met', () => {
  test.each(Object.entries(elsewhere))('%s', async (what, mistake) => {
    const { code, errors, logFailures }: Outcome = await meet(mistake);
    const served = { code: 0, errors: 0 };
    const failed = { code: 1011, errors: 1 };
    if (mistake.hook !== undefined) expectOutcome({ code, errors }, what.startsWith('a hook') ? served : failed);
    expect(logFailures > 0).toBe(what.startsWith('a logger') && !what.endsWith('returns no promise'));
  });
});

function expectOutcome(met: object, due: object): void {
  expect(met).toEqual(due);
}
