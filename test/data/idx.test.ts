import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readIdx } from 'tfjs-native/data';
import { idx, temporaryFolder } from './idx-files';

const values = Uint8Array.from({ length: 24 }, (_, i) => i * 10);

function written(content: Uint8Array, name = 'values'): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

describe('readIdx', () => {
  test('reads dimensions and values', async () => {
    const array = await readIdx(written(idx([2, 3, 4], values)));
    expect(array.dims).toEqual([2, 3, 4]);
    expect([...array.values]).toEqual([...values]);
  });

  test('reads gzipped files, whatever their name', async () => {
    const array = await readIdx(written(gzipSync(idx([24], values)), 'values.idx'));
    expect(array.dims).toEqual([24]);
    expect([...array.values]).toEqual([...values]);
  });

  test('reads sizes above 2^31 as unsigned', async () => {
    await expect(readIdx(written(idx([0x80000000], values)))).rejects.toThrow('2147483656 expected');
  });

  const good = idx([2, 3, 4], values);
  const zipped = gzipSync(good);
  const flipped = Buffer.from(zipped);
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 12) ^ 0xff, flipped.length - 12);
  test.each([
    ['an empty file', Buffer.alloc(0), 'has 0 bytes, too few for an idx file'],
    ['three bytes', good.subarray(0, 3), 'has 3 bytes'],
    ['another kind of file', Buffer.from('PNG and so on'), 'is no idx file'],
    ['floats', idx([6], values, 0x0d), 'holds 32-bit floats; expected unsigned bytes'],
    ['an unknown type', idx([24], values, 0x42), 'holds values of unknown type 0x42'],
    ['a cut header', good.subarray(0, 11), 'ends within its header: 11 of 16 bytes'],
    ['cut values', good.subarray(0, 39), 'is cut off: 39 bytes, 40 expected for dimensions 2 x 3 x 4'],
    [
      'bytes after the end',
      Buffer.concat([good, Buffer.alloc(2)]),
      'has bytes after its end: 42 bytes, 40 expected',
    ],
    ['cut gzip', zipped.subarray(0, -9), 'the gzip data is corrupt or cut off (unexpected end of file)'],
    ['corrupt gzip', flipped, 'the gzip data is corrupt or cut off'],
  ])('refuses %s and names the file', async (_, content, problem) => {
    const file = written(content);
    const error = await readIdx(file).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ name: 'TfjsNativeError', code: 'DATA_FILE' });
    expect((error as Error).message).toContain(`${file}: ${problem}`);
  });

  test.each(['missing', '.'])('refuses %s, which is no file', async (name) => {
    const file = join(temporaryFolder(), name);
    await expect(readIdx(file)).rejects.toThrow(`${file}: cannot be read (E`);
  });
});
