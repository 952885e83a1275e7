import type { Frame } from '../../protocol/frame.ts';
import { framedLength, writeFramed } from './encode.ts';

/**
 * A run is what one socket sends in one turn, as a path of frames through a tree that all sockets of the turn share.
 *
 * Sockets that send the same frames in the same order stand at the same node: a burst to a group makes one node a
 * message, whatever the members, and its bytes are joined once. A socket that also sends something of its own branches
 * off. A node remembers the branch taken last, which is the one that the next member of a fan-out takes. What one socket
 * alone sends is encoded when it is joined, and not before: it needs no buffer of its own.
 */
export class FrameRun {
  readonly #before: FrameRun | undefined;
  /** Encoded; undefined where that comes with the joining. */
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
    const ownLength = bytes === undefined && frame !== undefined ? framedLength(frame) : (bytes?.byteLength ?? 0);
    this.byteLength = (before?.byteLength ?? 0) + ownLength;
  }

  static root(): FrameRun {
    return new FrameRun(undefined, undefined, undefined);
  }

  /** @param bytes what it is encoded to; undefined for one that no other socket sends */
  followedBy(frame: Frame, bytes: Uint8Array | undefined): FrameRun {
    if (bytes === undefined) return new FrameRun(this, frame, undefined);
    if (this.#nextFrame === frame) return this.#next as FrameRun;
    this.#nextFrame = frame;
    this.#next = new FrameRun(this, frame, bytes);
    return this.#next;
  }

  /** Its frames in one buffer, made once for all sockets that stand here. */
  joined(): Uint8Array {
    if (this.#joined !== undefined) return this.#joined;
    if (this.#bytes !== undefined && this.byteLength === this.#bytes.byteLength) {
      this.#joined = this.#bytes;
      return this.#bytes;
    }
    const joined = Buffer.allocUnsafe(this.byteLength);
    for (let node: FrameRun = this; node.#before !== undefined; node = node.#before) {
      const start = node.#before.byteLength;
      if (node.#bytes !== undefined) joined.set(node.#bytes, start);
      else writeFramed(node.frame as Frame, joined, start);
    }
    this.#joined = joined;
    return joined;
  }

  /** Its frames, first to last. */
  frames(): Frame[] {
    const frames: Frame[] = [];
    for (let node: FrameRun | undefined = this; node?.frame !== undefined; node = node.#before) frames.push(node.frame);
    return frames.toReversed();
  }
}
