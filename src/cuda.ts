/** Which libraries of CUDA a TensorFlow wants, and which of them this machine has. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

interface Needs {
  readonly cuda: string;
  readonly cudnn: string;
  readonly libraries: readonly string[];
}

/** TensorFlow's own table of tested builds (tensorflow.org/install/source#gpu); tfjs-node-gpu 4.22 brings 2.9. */
const needs: Readonly<Record<string, Needs>> = {
  '2.9': {
    cuda: '11.2',
    cudnn: '8.1',
    libraries: [
      'libcuda.so.1',
      'libcudart.so.11.0',
      'libcublas.so.11',
      'libcublasLt.so.11',
      'libcufft.so.10',
      'libcurand.so.10',
      'libcusolver.so.11',
      'libcusparse.so.11',
      'libcudnn.so.8',
    ],
  },
};

/** `2.9` of `2.9.1`. */
export const minor = (version: string): string => version.split('.').slice(0, 2).join('.');

function known(): string {
  const { execFileSync } = require('node:child_process') as typeof import('node:child_process');
  try {
    return execFileSync('ldconfig', ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** What a TensorFlow of this version needs for a GPU, and which of it is not here as far as can be told. */
export function whatIsMissing(version: string): string {
  const needed = needs[minor(version)];
  const found = needed
    ? `CUDA ${needed.cuda} and cuDNN ${needed.cudnn}`
    : 'the CUDA and cuDNN that it was built for';
  const wants = `TensorFlow ${version} wants an NVIDIA GPU with its driver, ${found}`;
  if (process.platform !== 'linux' || needed === undefined)
    return `${wants}; it found no GPU that it can use`;
  const folders = (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter(Boolean);
  const listed = known();
  const missing = needed.libraries.filter(
    (library) =>
      !listed.includes(`${library} `) && !folders.some((folder) => existsSync(join(folder, library))),
  );
  return missing.length === 0
    ? `${wants}; all their libraries are here, but no GPU that it can use`
    : `${wants}; not found, where ldconfig and LD_LIBRARY_PATH look: ${missing.join(', ')}`;
}
