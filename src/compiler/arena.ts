/** Memory that plans compute in. */
import { addon } from '../binding';

const alignment = 64;

export interface Arena {
  /** What owns the memory. */
  readonly bytes: Uint8Array;
  /** Of its first aligned byte. */
  readonly address: number;
}

export function makeArena(size: number): Arena {
  const bytes = new Uint8Array(size + alignment);
  return { bytes, address: Math.ceil(addon.addressOf(bytes) / alignment) * alignment };
}
