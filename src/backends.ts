/** Choosing at run time what computes. */
import { findBackend, setBackend } from '@tensorflow/tfjs-core';
import { nativeError } from './errors';

const names = ['native', 'tensorflow', 'cpu', 'auto'] as const;

/**
 * What can compute: `native` is this package's own kernels, `cpu` plain JavaScript (the slow reference),
 * `tensorflow` TensorFlow's library (not in this version yet), `auto` the best of them, which is `native`.
 */
export type BackendName = (typeof names)[number];

function resolve(name: string, argument: string): 'native' | 'cpu' {
  switch (name) {
    case 'native':
    case 'auto':
      return 'native';
    case 'cpu':
      return 'cpu';
    case 'tensorflow':
      throw nativeError(
        'BACKEND_UNAVAILABLE',
        name,
        'it is not available yet in this version of tfjs-native',
      );
    default:
      throw nativeError('INVALID_ARGUMENT', argument, name, `one of ${names.join(', ')}`);
  }
}

/** Sets a backend, and gives a promise of success; both that there are start synchronously. */
function start(backend: 'native' | 'cpu'): Promise<boolean> {
  const started = setBackend(backend);
  // At its first use it would advise to install tfjs-node, though it was chosen on purpose.
  if (backend === 'cpu') Object.assign(findBackend('cpu'), { firstUse: false });
  return started;
}

/**
 * Chooses what computes from now on. Tensors that exist move over at their next use.
 * @returns the name of the backend that was set, as `tf.getBackend()` gives it
 * @throws TfjsNativeError INVALID_ARGUMENT for an unknown name, BACKEND_UNAVAILABLE for one that cannot be used here
 */
export async function useBackend(name: BackendName): Promise<string> {
  const backend = resolve(name, 'backend');
  if (!(await start(backend))) throw nativeError('BACKEND_UNAVAILABLE', backend, 'it failed to start');
  return backend;
}

/** Sets the backend that the environment variable `TFJS_BACKEND` names, if there is one. */
export function useBackendOfEnvironment(): void {
  const name = process.env.TFJS_BACKEND;
  if (name) void start(resolve(name, 'TFJS_BACKEND'));
}
