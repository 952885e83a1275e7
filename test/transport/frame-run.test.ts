/** What one socket sends in a turn is, joined, what its frames are one after another, whoever else sends them. */
import { describe, expect, test } from 'vitest';
import { Frame } from '../../src/protocol/frame.ts';
import { framed } from '../../src/transport/node/encode.ts';
import { FrameRun } from '../../src/transport/node/frame-run.ts';

const counts = { framings: 0, deflates: 0 };
/** Around each length at which the header grows, and text whose bytes are more than its characters. */
const payloads = [
  '',
  'x',
  'y'.repeat(125),
  'z'.repeat(126),
  'ä€😀',
  'ä'.repeat(40_000),
  new Uint8Array(65_535).fill(7),
];

function runOf(frames: readonly Frame[]): FrameRun {
  let run = FrameRun.root();
  for (const frame of frames) run = run.followedBy(frame, frame.isForOne ? undefined : framed(frame, counts));
  return run;
}

const framesOf = (isForOne: (index: number) => boolean): Frame[] =>
  payloads.map((data, index) => {
    if (isForOne(index)) return Frame.forOne(data);
    return typeof data === 'string' ? Frame.text(data) : Frame.bytes(data);
  });

describe('a run of frames', () => {
  test.each([
    ['of a group', () => false],
    ['for one socket', () => true],
    ['of both, in turn', (index: number) => index % 2 === 0],
    ['of both, the other way', (index: number) => index % 2 === 1],
  ])('%s is joined as each of them is by itself', (_, isForOne) => {
    const frames = framesOf(isForOne);
    const alone = framesOf(() => false).map((frame) => framed(frame, counts));
    const run = runOf(frames);
    expect(run.byteLength).toBe(alone.reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect(Buffer.compare(Buffer.from(run.joined()), Buffer.concat(alone))).toBe(0);
    expect(run.frames()).toEqual(frames);
  });

  test('that one socket alone sends keeps no bytes on its frames', () => {
    const frames = framesOf(() => true);
    runOf(frames).joined();
    expect(frames.map(({ wire }) => wire)).toEqual(frames.map(() => undefined));
  });

  test('of what the caller changes afterwards is what it was', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const run = runOf([Frame.forOne('first'), Frame.forOne(bytes)]);
    bytes.fill(9);
    expect([...run.joined().slice(-3)]).toEqual([1, 2, 3]);
  });

  test('branches where a socket sends something of its own, and the others go on with what they share', () => {
    const [hello, again] = [Frame.text('hello'), Frame.text('again')];
    const shared = runOf([hello]);
    const own = shared.followedBy(Frame.forOne('mine'), undefined);
    const both = shared.followedBy(again, framed(again, counts));
    expect(shared.followedBy(again, framed(again, counts))).toBe(both);
    const alone = [hello, Frame.text('mine')].map((frame) => framed(frame, counts));
    expect(Buffer.compare(Buffer.from(own.joined()), Buffer.concat(alone))).toBe(0);
  });
});
