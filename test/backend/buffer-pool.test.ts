/** The pool gives the same memory again while a program repeats itself, and lets go of it when it does not. */
import { describe, expect, it } from 'vitest';
import { type Block, BufferPool } from '../../dist/backend/buffer-pool.js';

const megabyte = 1024 * 1024;

/** Takes blocks of these sizes, then gives them all back. */
function step(pool: BufferPool, sizes: readonly number[]): Block[] {
  const blocks = sizes.map((size) => pool.take(size));
  for (const block of blocks) pool.give(block);
  return blocks;
}

describe('BufferPool', () => {
  it('gives blocks of exactly the size, aligned to a cache line', () => {
    const pool = new BufferPool();
    for (const size of [1, 4, 63, 64, 65, 4096, 100_001]) {
      const block = pool.take(size);
      expect(block.bytes.length).toBe(size);
      expect(block.address % 64).toBe(0);
    }
  });

  it('never gives a block twice at a time', () => {
    const pool = new BufferPool();
    step(pool, [256, 256]);
    const blocks = [256, 256, 256].map((size) => pool.take(size));
    expect(new Set(blocks.map(({ address }) => address)).size).toBe(3);
    expect(blocks[2]?.bytes.length).toBe(256);
  });

  it('gives the same blocks again, step for step, though nothing lives between the steps', () => {
    const pool = new BufferPool();
    const sizes = Array.from({ length: 12 }, (_, i) => (i + 10) * megabyte);
    const first = new Set(step(pool, sizes));
    for (let i = 0; i < 5; i++) for (const block of step(pool, sizes)) expect(first.has(block)).toBe(true);
  });

  it('keeps what two phases of a step need in turn', () => {
    const pool = new BufferPool();
    const phases = [
      [30 * megabyte, 40 * megabyte],
      [50 * megabyte, 60 * megabyte],
    ];
    const first = new Set(phases.flatMap((sizes) => step(pool, sizes)));
    for (const sizes of phases) for (const block of step(pool, sizes)) expect(first.has(block)).toBe(true);
  });

  it('does not hoard blocks of ever new sizes', () => {
    const pool = new BufferPool();
    const held = new Set<Block>();
    for (let i = 0; i < 100; i++) for (const block of step(pool, [50 * megabyte + i])) held.add(block);
    let found = 0;
    // Newest first: a size that is not there makes a new block, which must not push the others out.
    const again = [...held].reverse().map(({ bytes }) => bytes.length);
    for (const size of again) {
      const block = pool.take(size);
      if (held.has(block)) found++;
      else break;
    }
    expect(found).toBeGreaterThan(0);
    expect(found * 50).toBeLessThanOrEqual(2 * 51 + 64);
  });

  it('lets go of what a program needed long ago', () => {
    const pool = new BufferPool();
    const sizes = [200 * megabyte, 100 * megabyte, 90 * megabyte];
    const large = new Set(step(pool, sizes));
    for (let i = 0; i < 2 * 65_536 + 1; i++) step(pool, [64]);
    for (const block of step(pool, sizes)) expect(large.has(block)).toBe(false);
  });
});
