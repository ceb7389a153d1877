/** `sampleWeight`, which upstream refuses: a weight of each sample, which its loss is multiplied with. */
import { clone, mul, Tensor } from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';
import { disposeMade, type TensorLike, type TrainedModel, upstream } from './fit-model';

/** The weights of each output, as the user gave them. */
function perOutput(outputNames: readonly string[], sampleWeight: TensorLike): (Tensor | null | undefined)[] {
  if (sampleWeight instanceof Tensor) {
    if (outputNames.length === 1) return [sampleWeight];
  } else if (Array.isArray(sampleWeight)) {
    if (sampleWeight.length === outputNames.length) return sampleWeight;
  } else if (Object.keys(sampleWeight).every((name) => outputNames.includes(name))) {
    return outputNames.map((name) => sampleWeight[name]);
  }
  throw nativeError(
    'INVALID_ARGUMENT',
    'sampleWeight',
    sampleWeight instanceof Tensor ? 'one tensor' : Object.keys(sampleWeight).join(),
    `a tensor for each of the model's outputs, in an array or by name (${outputNames.join()})`,
  );
}

function checkShape(weights: unknown, rows: number): asserts weights is Tensor {
  const shape = weights instanceof Tensor ? weights.shape : undefined;
  if (shape?.length !== 1 || shape[0] !== rows)
    throw nativeError(
      'INVALID_ARGUMENT',
      'sampleWeight',
      shape ? `a tensor of shape [${shape}]` : weights,
      `a tensor of shape [${rows}], a weight for each sample`,
    );
}

/** As upstream's, and with weights of samples, by which those of classes are multiplied. */
export async function standardizeUserData(
  this: TrainedModel,
  ...args: Parameters<TrainedModel['standardizeUserData']>
): ReturnType<TrainedModel['standardizeUserData']> {
  const [x, y, sampleWeight, ...more] = args;
  const [xs, ys, classes] = await upstream.standardizeUserData.call(this, x, y, null, ...more);
  if (sampleWeight == null) return [xs, ys, classes];
  try {
    const rows = (ys[0] as Tensor).shape[0] as number;
    const samples = perOutput(this.outputNames, sampleWeight as TensorLike);
    for (const given of samples) if (given != null) checkShape(given, rows);
    // The user's tensors stay the user's, and so these are always new ones.
    const weights = samples.map((given, i) => {
      const ofClass = classes?.[i];
      if (given == null) return ofClass ? clone(ofClass) : null;
      return mul(given, ofClass ?? 1);
    });
    return [xs, ys, weights];
  } catch (error) {
    disposeMade(xs, x);
    disposeMade(ys, y);
    throw error;
  } finally {
    for (const weights of classes ?? []) weights?.dispose();
  }
}
