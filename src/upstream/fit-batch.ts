/** `trainOnBatch` of upstream's LayersModel. */
import { disposeMade, type TensorLike, type TrainedModel } from './fit-model';
import { trainOnce } from './fit-session';

/** As upstream's. */
export async function trainOnBatch(
  this: TrainedModel,
  x: TensorLike,
  y: TensorLike,
): Promise<number | number[]> {
  const [inputs, targets] = await this.standardizeUserData(x, y);
  try {
    const values = await trainOnce(this, { inputs, targets, sampleWeights: [] });
    return values.length === 1 ? (values[0] as number) : values;
  } finally {
    disposeMade(inputs, x);
    disposeMade(targets, y);
  }
}
