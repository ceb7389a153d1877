/// <reference types="@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops" preserve="true" />
/**
 * The public surface: all that `@tensorflow/tfjs-node` exports, computed by the backend `native`, and a few
 * functions of our own.
 */
import { useBackendOfEnvironment } from './backends';
import { registerFileSystem } from './io/file-system';
import { checkEngine } from './upstream/core-copies';
import { registerGradients } from './upstream/gradients';
import { registerOnce } from './upstream/own-copies';

checkEngine();
registerOnce(() => {
  require('./backend/register');
  require('./upstream/softmax');
  require('./upstream/chained-ops');
  require('./upstream/optimizers');
  require('./upstream/random');
  require('./upstream/batch_normalization');
  require('./upstream/fused');
  require('./upstream/losses');
  require('./upstream/fit');
  require('./upstream/predict');
  registerGradients();
});
registerFileSystem();
useBackendOfEnvironment();

export * from '@tensorflow/tfjs-backend-cpu';
export * from '@tensorflow/tfjs-core';
export * from '@tensorflow/tfjs-layers';
export * from './upstream/converter';
export * as data from './upstream/data';
export * as io from './io';
export { version } from './upstream/versions';

export { type BackendName, useBackend } from './backends';
export { setSeed } from './backend/seed';
export { setThreads } from './binding';
export { clipGradients, type GradientClipping } from './compiler/clipping';
export { explain } from './compiler/explain';
export { type ErrorCode, TfjsNativeError } from './errors';
export { type Info, info } from './info';
export type { TensorFlowInfo, TensorFlowOptions } from './tensorflow';
export type { TrainOnBatchArgs } from './upstream/fit-arguments';
export { predictAsync } from './upstream/predict';
