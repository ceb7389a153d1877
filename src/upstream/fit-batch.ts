/** `trainOnBatch` of upstream's LayersModel, and the weights that ours takes. */
import { engine, type Tensor1D } from '@tensorflow/tfjs-core';
import { Sequential } from '@tensorflow/tfjs-layers';
import type { TrainOnBatchArgs } from './fit-arguments';
import { disposeMade, type TensorLike, type TrainedModel } from './fit-model';
import { trainOnce } from './fit-session';

/**
 * As upstream's, with weights.
 * @throws what upstream throws, what a step throws, TfjsNativeError INVALID_ARGUMENT for a wrong `sampleWeight`
 */
export async function trainOnBatch(
  this: TrainedModel,
  x: TensorLike,
  y: TensorLike,
  { sampleWeight, classWeight }: TrainOnBatchArgs = {},
): Promise<number | number[]> {
  const [inputs, targets, weights] = await this.standardizeUserData(x, y, sampleWeight, classWeight);
  const sampleWeights = (weights ?? []).map((tensor) => tensor ?? undefined) as Tensor1D[];
  try {
    const values = await trainOnce(this, { inputs, targets, sampleWeights });
    return values.length === 1 ? (values[0] as number) : values;
  } finally {
    disposeMade(inputs, x);
    disposeMade(targets, y);
    for (const tensor of sampleWeights) tensor?.dispose();
  }
}

/** Upstream's passes two arguments on. */
const { trainOnBatch: upstream } = Sequential.prototype;
Sequential.prototype.trainOnBatch = function (x, y, args?: TrainOnBatchArgs) {
  const { model } = this as unknown as { model?: TrainedModel };
  const ours = engine().backendName === 'native' && args !== undefined && model != null;
  return ours ? (model as unknown as Sequential).trainOnBatch(x, y, args) : upstream.call(this, x, y);
};
