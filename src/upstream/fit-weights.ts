/** `sampleWeight`, which upstream refuses: a weight of each sample, which its loss is multiplied with. */
import { clone, mul, Tensor, tidy } from '@tensorflow/tfjs-core';
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

/** The weights that classes give the rows of each output, by upstream's own code; null where there are none. */
export async function weightsOfClasses(
  { outputNames }: TrainedModel,
  ys: Tensor[],
  classWeight: unknown,
): Promise<(Tensor | null)[]> {
  if (classWeight == null) return [];
  const standardized = { outputNames, standardizeUserDataXY: () => [[], ys] } as unknown as TrainedModel;
  const [, , weights] = await upstream.standardizeUserData.call(standardized, [], ys, null, classWeight);
  return weights ?? [];
}

/** As upstream's, and with weights of samples, by which those of classes are multiplied. */
export async function standardizeUserData(
  this: TrainedModel,
  ...args: Parameters<TrainedModel['standardizeUserData']>
): ReturnType<TrainedModel['standardizeUserData']> {
  const [x, y, sampleWeight, classWeight, checkBatchAxis, batchSize] = args;
  const [xs, ys] = tidy(() => this.standardizeUserDataXY(x, y, checkBatchAxis, batchSize));
  let classes: (Tensor | null)[] = [];
  try {
    classes = await weightsOfClasses(this, ys, classWeight);
    if (sampleWeight == null) return [xs, ys, classWeight == null ? null : classes];
    const rows = ys[0]?.shape[0] as number;
    const samples = perOutput(this.outputNames, sampleWeight as TensorLike);
    for (const given of samples) if (given != null) checkShape(given, rows);
    // The user's tensors stay the user's, and so these are always new ones.
    const weights = samples.map((given, i) => {
      const ofClass = classes[i];
      if (given == null) return ofClass ? clone(ofClass) : null;
      return mul(given, ofClass ?? 1);
    });
    for (const tensor of classes) tensor?.dispose();
    return [xs, ys, weights];
  } catch (error) {
    disposeMade(xs, x);
    disposeMade(ys, y);
    for (const tensor of classes) tensor?.dispose();
    throw error;
  }
}
