/**
 * Gives tf.batchNorm a gradient of one native op, and the layer batchNormalization a training pass of one native op
 * forward and one backward, where upstream composes it of tf.moments, tf.batchNorm and the gradients of their ops.
 * Results are upstream's within rounding; on other backends, for other dtypes and where the axis is not the last
 * one, upstream's own code runs.
 */
import {
  add,
  engine,
  mean,
  mul,
  type NamedAttrMap,
  neg,
  ones,
  registerGradient,
  rsqrt,
  serialization,
  sub,
  sum,
  Tensor,
  tidy,
  util,
  zeros,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { replaceGradient } from './gradients';

interface Weight {
  read(): Tensor;
  write(value: Tensor): unknown;
}

/** The fields of upstream's layer that are used here. */
interface Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight;
  readonly beta?: Weight;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

type Call = (this: Layer, inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[];

function normaliseInTraining(layer: Layer, x: Tensor): Tensor {
  return tidy(() => {
    const channels = x.shape.slice(-1);
    const inputs = {
      x,
      offset: layer.beta?.read() ?? zeros(channels),
      scale: layer.gamma?.read() ?? ones(channels),
      movingMean: layer.movingMean.read(),
      movingVariance: layer.movingVariance.read(),
    };
    const attrs = { varianceEpsilon: layer.epsilon, decay: 1 - layer.momentum };
    const outputs = engine().runKernel('FusedBatchNormTraining', inputs, attrs) as unknown as Tensor[];
    const [y, , , movingMean, movingVariance] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
    layer.movingMean.write(movingMean);
    layer.movingVariance.write(movingVariance);
    return y;
  });
}

/** Runs a native gradient; all but its first output are sums over the rows. */
function runGradient(name: string, inputs: Record<string, Tensor>, attrs: NamedAttrMap): Tensor[] {
  return engine().runKernel(name, inputs, attrs) as unknown as Tensor[];
}

function rowAxes(x: Tensor): number[] {
  return Array.from({ length: x.rank - 1 }, (_, i) => i);
}
const named = (gradients: Record<string, Tensor | undefined>) =>
  Object.fromEntries(Object.entries(gradients).map(([name, tensor]) => [name, () => tensor as Tensor]));
const overRows = (x: Tensor) => sum(x, rowAxes(x));
const meanOfRows = (x: Tensor) => mean(x, rowAxes(x));
const inverseDeviation = (variance: Tensor, attrs: NamedAttrMap) =>
  rsqrt(add(variance, attrs.varianceEpsilon as number));

replaceGradient('FusedBatchNorm', (dy, saved, attrs) => {
  const [x, batchMean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor];
  const channels = x.shape.slice(-1);
  if (![batchMean, variance, scale].every(({ shape }) => util.arraysEqual(shape, channels))) return undefined;
  const inputs = { dy, x, mean: batchMean, variance, scale };
  const [dx, dmean, dvariance, dscale, doffset] = runGradient('FusedBatchNormGrad', inputs, attrs);
  return named({ x: dx, mean: dmean, variance: dvariance, scale: dscale, offset: doffset });
});

// With r = 1 / sqrt(variance + epsilon) and z = x - mean its outputs are scale r dy, -scale r sum(dy),
// -scale r^3 sum(dy z) / 2, r sum(dy z) and sum(dy); `by` are the gradients by them.
registerGradient({
  kernelName: 'FusedBatchNormGrad',
  inputsToSave: ['dy', 'x', 'mean', 'variance', 'scale'],
  gradFunc: (by, saved, attrs) => {
    const [dy, x, batchMean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [byDx, byMean, byVariance, byScale, byOffset] = by as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const r = inverseDeviation(variance, attrs);
    const cube = mul(-0.5, mul(mul(r, r), r));
    const z = sub(x, batchMean);
    const shifted = sub(byDx, byMean);
    const slope = add(mul(mul(byVariance, scale), cube), mul(byScale, r));
    const byR = add(mul(scale, add(shifted, mul(mul(byVariance, mul(-1.5, mul(r, r))), z))), mul(byScale, z));
    return {
      dy: () => add(add(mul(mul(scale, r), shifted), mul(slope, z)), byOffset),
      x: () => mul(dy, slope),
      mean: () => neg(mul(slope, overRows(dy))),
      variance: () => mul(overRows(mul(dy, byR)), cube),
      scale: () => overRows(mul(dy, add(mul(r, shifted), mul(mul(byVariance, cube), z)))),
    };
  },
});

registerGradient({
  kernelName: 'FusedBatchNormTraining',
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  // All but y goes into the moving averages, which have no gradient.
  gradFunc: (dys, saved, attrs) => {
    const [dy] = dys as [Tensor];
    const [x, scale, batchMean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
    const inputs = { dy, x, mean: batchMean, variance, scale };
    const [dx, dscale, doffset] = runGradient('FusedBatchNormTrainingGrad', inputs, attrs);
    return named({ x: dx, scale: dscale, offset: doffset });
  },
});

// With r as above, n = (x - mean) r and M the mean over the rows, P(v) = v - M(v) - n M(v n), the outputs are
// scale r P(dy), sum(dy n) and sum(dy).
registerGradient({
  kernelName: 'FusedBatchNormTrainingGrad',
  inputsToSave: ['dy', 'x', 'mean', 'variance', 'scale'],
  gradFunc: (by, saved, attrs) => {
    const [dy, x, batchMean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [byDx, byScale, byOffset] = by as [Tensor, Tensor, Tensor];
    const r = inverseDeviation(variance, attrs);
    const n = mul(sub(x, batchMean), r);
    const project = (v: Tensor) => sub(sub(v, meanOfRows(v)), mul(n, meanOfRows(mul(v, n))));
    const scaled = mul(scale, r);
    // Mean and variance are functions of x too, which the gradient by x has in it.
    const none = () => zeros(scale.shape);
    return {
      dy: () => add(add(mul(scaled, project(byDx)), mul(byScale, n)), byOffset),
      x: () => {
        const byN = sub(
          mul(byScale, dy),
          mul(scaled, add(mul(byDx, meanOfRows(mul(dy, n))), mul(dy, meanOfRows(mul(byDx, n))))),
        );
        const byR = mul(scaled, meanOfRows(mul(byDx, project(dy))));
        return mul(r, sub(project(byN), mul(n, byR)));
      },
      mean: none,
      variance: none,
      scale: () => mul(r, overRows(mul(byDx, project(dy)))),
    };
  },
});

// Found by its name: to make a layer would count up the names of the user's layers.
const { classNameMap } = serialization.SerializationMap.getMap();
const [{ prototype }] = classNameMap.BatchNormalization as unknown as [{ prototype: { call: Call } }];
const upstream = prototype.call;
prototype.call = function (inputs, kwargs) {
  const x = Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs;
  const native =
    Boolean(kwargs.training) &&
    engine().backendName === 'native' &&
    x instanceof Tensor &&
    x.dtype === 'float32' &&
    // Other ranks are upstream's to reject.
    x.rank >= 2 &&
    x.rank <= 4 &&
    (this.axis === -1 || this.axis === x.rank - 1) &&
    x.size > 0;
  return native ? normaliseInTraining(this, x) : upstream.call(this, inputs, kwargs);
};
