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

/**
 * The handler that loads a model from a web server and sends one to it, as `tf.io.http` does.
 * @param requestInit options of the requests, headers say
 * @param weightPathPrefix where the weights are, if not beside the model.json
 */
export function nodeHTTPRequest(
  path: string,
  requestInit: io.LoadOptions['requestInit'] = {},
  weightPathPrefix?: string,
): io.IOHandler {
  return io.http(path, { requestInit, ...(weightPathPrefix !== undefined && { weightPathPrefix }) });
}
