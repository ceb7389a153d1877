/** Reads idx, the file format of MNIST: big-endian, a type code, the sizes of all dimensions, the values. */
import { closeSync, fstatSync, openSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { nativeError } from '../errors';

/** An idx file of unsigned bytes. */
export interface IdxArray {
  /** Outermost first: [count, height, width] for images, [count] for labels. */
  readonly dims: readonly number[];
  /** All values, in row-major order. */
  readonly values: Uint8Array;
}

const typeNames = new Map([
  [0x08, 'unsigned bytes'],
  [0x09, 'signed bytes'],
  [0x0b, '16-bit integers'],
  [0x0c, '32-bit integers'],
  [0x0d, '32-bit floats'],
  [0x0e, '64-bit floats'],
]);

const readInto = promisify(read);

/**
 * The whole file. Opens it at once and reads it by one call, so that the reading goes on while the caller loads
 * other modules without a turn of the event loop.
 */
async function readWhole(file: string): Promise<Buffer> {
  const fd = openSync(file, 'r');
  try {
    const content = Buffer.allocUnsafeSlow(fstatSync(fd).size);
    let at = 0;
    while (at < content.length) {
      const { bytesRead } = await readInto(fd, content, at, content.length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return content.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}

async function unzipped(file: string, content: Buffer): Promise<Buffer> {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content;
  try {
    return await promisify(gunzip)(content);
  } catch (error) {
    throw nativeError('DATA_FILE', file, `the gzip data is corrupt or cut off (${(error as Error).message})`);
  }
}

/**
 * Reads an idx file of unsigned bytes, plain or gzipped (told by its content, not by its name).
 * @throws TfjsNativeError DATA_FILE, naming the file, if it cannot be read, is no such file, or is longer or
 *   shorter than its header says
 */
export async function readIdx(file: string): Promise<IdxArray> {
  const raw = await readWhole(file).catch((error: Error) => {
    throw nativeError('DATA_FILE', file, `cannot be read (${error.message})`);
  });
  return parseIdx(file, raw);
}

/** What {@link readIdx} reads of a file's content. */
export async function parseIdx(file: string, raw: Buffer): Promise<IdxArray> {
  const content = await unzipped(file, raw);
  const fail = (problem: string): never => {
    throw nativeError('DATA_FILE', file, problem);
  };
  if (content.length < 4) fail(`has ${content.length} bytes, too few for an idx file`);
  if (content.readUInt16BE(0) !== 0) fail('is no idx file (it does not start with two zero bytes)');
  const type = content.readUInt8(2);
  if (type !== 0x08) {
    fail(
      `holds ${typeNames.get(type) ?? `values of unknown type 0x${type.toString(16)}`}; expected unsigned bytes`,
    );
  }
  const rank = content.readUInt8(3);
  const header = 4 + 4 * rank;
  if (content.length < header) fail(`ends within its header: ${content.length} of ${header} bytes`);
  const dims = Array.from({ length: rank }, (_, i) => content.readUInt32BE(4 + 4 * i));
  const expected = header + dims.reduce((product, dim) => product * dim, 1);
  if (content.length !== expected) {
    const problem = content.length < expected ? 'is cut off' : 'has bytes after its end';
    fail(`${problem}: ${content.length} bytes, ${expected} expected for dimensions ${dims.join(' x ')}`);
  }
  return { dims, values: content.subarray(header) };
}
