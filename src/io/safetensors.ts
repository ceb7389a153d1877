/**
 * Tensors by name in one file: the format safetensors (huggingface.co/docs/safetensors). Eight bytes tell the length of a
 * JSON header, which tells each tensor's type, shape and place; the values follow, little-endian.
 */
import { readFile } from 'node:fs/promises';
import { dirname, basename } from 'node:path';
import { nativeError } from '../errors';
import { reasonOf } from './reasons';
import { writeFiles } from './write-files';

const types = { F32: Float32Array, I32: Int32Array } as const;
type TypeName = keyof typeof types;

/** Values of a tensor. */
export interface TensorValues {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface SafeTensors {
  readonly tensors: Readonly<Record<string, TensorValues>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

/** Writes a file as a whole: what was there before stays until it is. */
export async function writeSafeTensors(path: string, { tensors, metadata }: SafeTensors): Promise<void> {
  let at = 0;
  const header: Record<string, Entry | SafeTensors['metadata']> = { __metadata__: metadata };
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const dtype: TypeName = values instanceof Float32Array ? 'F32' : 'I32';
    header[name] = { dtype, shape: [...shape], data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const text = JSON.stringify(header);
  // Values begin at a multiple of eight.
  const json = Buffer.from(text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8));
  const start = Buffer.alloc(8 + json.length);
  start.writeBigUInt64LE(BigInt(json.length));
  json.copy(start, 8);
  const data = Object.values(tensors).map(({ values }) => values.slice().buffer as ArrayBuffer);
  const whole = new Uint8Array(start).buffer;
  await writeFiles(dirname(path), { [basename(path)]: [whole, ...data] });
}

/**
 * Reads a file.
 * @throws TfjsNativeError DATA_FILE, naming it, if it cannot be read or is not whole
 */
export async function readSafeTensors(path: string): Promise<SafeTensors> {
  const fail = (problem: string): never => {
    throw nativeError('DATA_FILE', path, problem);
  };
  const content = await readFile(path).catch((error: unknown) => fail(`cannot be read (${reasonOf(error)})`));
  const length = content.length < 8 ? Number.NaN : Number(content.readBigUInt64LE());
  const begin = 8 + length;
  if (!(begin <= content.length)) fail('is no safetensors file, or cut off');
  let header: Record<string, Entry>;
  try {
    header = JSON.parse(content.toString('utf8', 8, begin)) as Record<string, Entry>;
  } catch {
    return fail('is no safetensors file (its header is no JSON)');
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors: Record<string, TensorValues> = {};
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    const Type = types[dtype as TypeName];
    if (Type === undefined)
      return fail(`holds ${name} as ${dtype}; expected ${Object.keys(types).join(' or ')}`);
    const [from, to] = offsets;
    const count = shape.reduce((product, n) => product * n, 1);
    if (begin + to > content.length || to - from !== 4 * count) fail(`is cut off or damaged at ${name}`);
    // A copy, for its place may not be a multiple of four.
    const bytes = Uint8Array.prototype.slice.call(content, begin + from, begin + to);
    tensors[name] = { shape, values: new Type(bytes.buffer) };
  }
  return { tensors, metadata: metadata as unknown as Record<string, string> };
}
