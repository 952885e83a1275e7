import type { Frame } from '../../protocol/frame.ts';

/**
 * A run is what one socket sends in one turn, as a path of frames through a tree that all sockets of the turn share.
 *
 * Sockets that send the same frames in the same order stand at the same node: a burst to a group makes one node a
 * message, whatever the members, and its bytes are joined once. A socket that also sends something of its own branches
 * off. A node remembers the branch taken last, which is the one that the next member of a fan-out takes.
 */
export class FrameRun {
  readonly #before: FrameRun | undefined;
  readonly #bytes: Uint8Array | undefined;
  readonly frame: Frame | undefined;
  /** All bytes from the root on. */
  readonly byteLength: number;
  #joined: Uint8Array | undefined = undefined;
  #nextFrame: Frame | undefined = undefined;
  #next: FrameRun | undefined = undefined;

  private constructor(before: FrameRun | undefined, frame: Frame | undefined, bytes: Uint8Array | undefined) {
    this.#before = before;
    this.frame = frame;
    this.#bytes = bytes;
    this.byteLength = (before?.byteLength ?? 0) + (bytes?.byteLength ?? 0);
  }

  static root(): FrameRun {
    return new FrameRun(undefined, undefined, undefined);
  }

  followedBy(frame: Frame, bytes: Uint8Array): FrameRun {
    if (this.#nextFrame === frame) return this.#next as FrameRun;
    this.#nextFrame = frame;
    this.#next = new FrameRun(this, frame, bytes);
    return this.#next;
  }

  /** Its frames in one buffer, made once for all sockets that stand here. */
  joined(): Uint8Array {
    if (this.#joined !== undefined) return this.#joined;
    const bytes = this.#bytes as Uint8Array;
    if (this.byteLength === bytes.byteLength) this.#joined = bytes;
    else {
      const joined = Buffer.allocUnsafe(this.byteLength);
      let node: FrameRun | undefined = this;
      let end = this.byteLength;
      while (node !== undefined && node.#bytes !== undefined) {
        end -= node.#bytes.byteLength;
        joined.set(node.#bytes, end);
        node = node.#before;
      }
      this.#joined = joined;
    }
    return this.#joined;
  }

  /** Its frames, first to last. */
  frames(): Frame[] {
    const frames: Frame[] = [];
    for (let node: FrameRun | undefined = this; node?.frame !== undefined; node = node.#before) frames.push(node.frame);
    return frames.toReversed();
  }
}
