import * as channelbox from 'channelbox';
import { expect, test } from 'vitest';
import { simulate } from 'channelbox/testing/simulator';
import { builtPackage } from '../package/packed-package.ts';
import { run } from '../package/run.ts';
import { smallApp } from './small-app.ts';

test('the same seed makes the same history in a process of its own', async () => {
  const program = `
    import { App, ChannelBox, consumer } from 'channelbox';
    import { simulate } from 'channelbox/testing/simulator';
    ${smallApp.toString()}
    const { hash } = await simulate({ ...smallApp({ App, ChannelBox, consumer }), seed: 11, runs: 30 });
    console.log(hash);`;
  const home = await builtPackage();
  const here = await simulate({ ...smallApp(channelbox), seed: 11, runs: 30 });
  const outcome = await run(process.execPath, ['--input-type=module', '--eval', program], home);
  expect(outcome.output.trim()).toBe(here.hash);
}, 180_000);
