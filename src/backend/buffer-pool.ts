/** Keeps the memory of disposed tensors for the next ones: a training step asks for the same sizes again and again. */
import { addon } from '../binding';

/**
 * A piece of memory, of which nobody outside of the storage that took it holds a view. It is JavaScript's, so that
 * the garbage collector frees it with a tensor that nobody disposed, at once even in a loop that never awaits.
 */
export interface Block {
  /** Exactly the bytes asked for, the first on a multiple of {@link alignment}. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: number;
  readonly pool: BufferPool;
}

/** A cache line, which is also the widest vector. */
const alignment = 64;

function allocate(bytes: number, pool: BufferPool): Block {
  const whole = new Uint8Array(bytes + alignment);
  const start = addon.addressOf(whole);
  const offset = alignment - (start % alignment);
  return { bytes: whole.subarray(offset, offset + bytes), address: start + offset, pool };
}

/** What may always lie free: small programs never pay for memory twice. */
const slackBytes = 64 * 1024 * 1024;

/** So many blocks given back make a window; "recently" below is this window and the one before. */
const windowLength = 65_536;

/** Free blocks by size, which is matched exactly. */
export class BufferPool {
  readonly #free = new Map<number, Block[]>();
  #freeBytes = 0;
  // Includes blocks that the garbage collector took with tensors that nobody disposed.
  #liveBytes = 0;
  #peak = 0;
  #peakBefore = 0;
  #given = 0;

  /**
   * A block of `bytes` (> 0), with whatever values in it.
   * @throws RangeError when there is no memory
   */
  take(bytes: number): Block {
    let block = this.#free.get(bytes)?.pop();
    if (block) this.#freeBytes -= bytes;
    else block = allocate(bytes, this);
    this.#liveBytes += bytes;
    if (this.#liveBytes > this.#peak) this.#peak = this.#liveBytes;
    return block;
  }

  /** Takes a block back; nobody may use it any more. */
  give(block: Block): void {
    const bytes = block.bytes.length;
    this.#liveBytes -= bytes;
    if (++this.#given === windowLength) this.#startWindow();
    // Twice what was recently in use: the blocks of two sizes are rarely all in use at the same time. A program
    // that shrinks, or that asks for ever new sizes, gives its memory back.
    const allowed = 2 * Math.max(this.#peak, this.#peakBefore) + slackBytes;
    if (this.#liveBytes + this.#freeBytes + bytes > allowed) this.#drop();
    const list = this.#free.get(bytes);
    if (list) list.push(block);
    else this.#free.set(bytes, [block]);
    this.#freeBytes += bytes;
  }

  #startWindow(): void {
    this.#given = 0;
    this.#peakBefore = this.#peak;
    this.#peak = this.#liveBytes;
  }

  /** Leaves all free blocks to the garbage collector. */
  #drop(): void {
    this.#free.clear();
    this.#freeBytes = 0;
  }
}
