/** `tf.io`: that of tfjs-core, and models in folders. */
import { io } from '@tensorflow/tfjs-core';

export type * from '@tensorflow/tfjs-core/dist/io/io';
export const {
  CompositeArrayBuffer,
  browserFiles,
  browserHTTPRequest,
  concatenateArrayBuffers,
  copyModel,
  decodeWeights,
  decodeWeightsStream,
  encodeWeights,
  fromMemory,
  fromMemorySync,
  getLoadHandlers,
  getModelArtifactsForJSON,
  getModelArtifactsForJSONSync,
  getModelArtifactsInfoForJSON,
  getSaveHandlers,
  getWeightSpecs,
  http,
  isHTTPScheme,
  listModels,
  loadWeights,
  moveModel,
  registerLoadRouter,
  registerSaveRouter,
  removeModel,
  weightsLoaderFactory,
  withSaveHandler,
  withSaveHandlerSync,
} = io;
export type CompositeArrayBuffer = io.CompositeArrayBuffer;
export { fileSystem } from './file-system';
