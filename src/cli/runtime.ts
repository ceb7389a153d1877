/** What computes: the options that every command has. */

export interface RuntimeOptions {
  readonly backend?: string;
  readonly threads?: number;
  readonly requireGpu?: boolean;
  readonly gpus?: string;
  readonly gpuGrowth?: boolean;
}

/** Call before TensorFlow.js and the addon are loaded: they read the environment then. */
export function applyRuntime(options: RuntimeOptions): void {
  const { backend, threads, requireGpu, gpus, gpuGrowth } = options;
  const settings = {
    TFJS_BACKEND: backend,
    TFJS_NATIVE_THREADS: threads,
    TFJS_REQUIRE_GPU: requireGpu,
    CUDA_VISIBLE_DEVICES: gpus,
    TF_FORCE_GPU_ALLOW_GROWTH: gpuGrowth,
  };
  for (const [name, value] of Object.entries(settings))
    if (value !== undefined) process.env[name] = String(value);
}
