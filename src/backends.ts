/** Choosing at run time what computes. */
import { findBackend, getBackend, setBackend } from '@tensorflow/tfjs-core';
import { nativeError } from './errors';
import { hasGpu, loadTensorFlow, type TensorFlowOptions } from './tensorflow';

const names = ['native', 'tensorflow', 'cpu', 'auto'] as const;

/**
 * What can compute: `native` is this package's own kernels, `cpu` plain JavaScript (the slow reference), `tensorflow`
 * TensorFlow's library by `@tensorflow/tfjs-node-gpu` or, where that is not installed, `@tensorflow/tfjs-node` of the
 * user's project, `auto` `tensorflow` where that has a GPU and `native` elsewhere.
 */
export type BackendName = (typeof names)[number];

/** Registers what is needed for a backend, and gives its name. */
function prepare(name: string, argument: string, options: TensorFlowOptions): Exclude<BackendName, 'auto'> {
  switch (name) {
    case 'native':
    case 'cpu':
      if (!options.requireGpu) return name;
      throw nativeError('INVALID_ARGUMENT', argument, name, 'tensorflow or auto, as a GPU is required');
    case 'auto':
    case 'tensorflow':
      if (name === 'auto' && !options.requireGpu && !hasGpu(options)) return 'native';
      loadTensorFlow(options);
      return 'tensorflow';
    default:
      throw nativeError('INVALID_ARGUMENT', argument, name, `one of ${names.join(', ')}`);
  }
}

/** Sets a backend, and gives a promise of success; all that there are start synchronously. */
function start(backend: string): Promise<boolean> {
  const started = setBackend(backend);
  // At its first use it would advise to install tfjs-node, though it was chosen on purpose.
  if (backend === 'cpu') Object.assign(findBackend('cpu'), { firstUse: false });
  return started;
}

/** Loading tfjs-node sets its backend, which only succeeded if all of the choice did. */
function choose(name: string, argument: string, options: TensorFlowOptions): [string, Promise<boolean>] {
  const before = getBackend();
  try {
    const backend = prepare(name, argument, options);
    return [backend, start(backend)];
  } catch (error) {
    void setBackend(before);
    throw error;
  }
}

/**
 * Chooses what computes from now on. Tensors and variables that exist, a model's weights and an optimizer's state, move
 * over at their next use, and back again as often as backends are switched; switch between calls, not while a model is
 * being trained or predicts.
 * @param options how TensorFlow is started, where it is
 * @returns the name of the backend that was set, as `tf.getBackend()` gives it
 * @throws TfjsNativeError INVALID_ARGUMENT for an unknown name, BACKEND_UNAVAILABLE for one that cannot be used here, with
 *   what to do about it; the backend then is the one before
 */
export async function useBackend(name: BackendName, options: TensorFlowOptions = {}): Promise<string> {
  const [backend, started] = choose(name, 'backend', options);
  if (!(await started)) throw nativeError('BACKEND_UNAVAILABLE', backend, 'it failed to start');
  return backend;
}

/** Sets the backend that the environment asks for by `TFJS_BACKEND` and `TFJS_REQUIRE_GPU`, if it does. */
export function useBackendOfEnvironment(): void {
  const requireGpu = Boolean(process.env['TFJS_REQUIRE_GPU']);
  const name = process.env['TFJS_BACKEND'] || (requireGpu ? 'auto' : '');
  if (name) void choose(name, 'TFJS_BACKEND', { requireGpu });
}
