/** What computes: the options that every command has. */

export interface RuntimeOptions {
  readonly backend?: string;
  readonly threads?: number;
}

/** Call before TensorFlow.js and the addon are loaded: they read the environment then. */
export function applyRuntime({ backend, threads }: RuntimeOptions): void {
  if (backend !== undefined) process.env.TFJS_BACKEND = backend;
  if (threads !== undefined) process.env.TFJS_NATIVE_THREADS = String(threads);
}
