/**
 * Gives tf.logSoftmax and tf.losses.softmaxCrossEntropy native kernels, where upstream composes them of half a dozen
 * ops. Results are upstream's within rounding; on other backends, and for other dtypes, upstream's own run.
 */
import {
  add,
  cast,
  engine,
  type GradSaveFunc,
  losses,
  mul,
  neg,
  reshape,
  Tensor,
  tidy,
  util,
} from '@tensorflow/tfjs-core';

// The object itself, whose members are replaced.
const core = require('@tensorflow/tfjs-core') as Pick<typeof import('@tensorflow/tfjs-core'), 'logSoftmax'>;
const upstream = { logSoftmax: core.logSoftmax, softmaxCrossEntropy: losses.softmaxCrossEntropy };

/** Whether native kernels can take x along its last dimension. */
function isNative(x: unknown): x is Tensor {
  return engine().backendName === 'native' && x instanceof Tensor && x.dtype === 'float32' && x.rank > 0;
}

core.logSoftmax = ((logits: Tensor, axis = -1) =>
  isNative(logits) && (axis === -1 || axis === logits.rank - 1)
    ? engine().runKernel('LogSoftmax', { logits }, { axis })
    : upstream.logSoftmax(logits, axis)) as typeof core.logSoftmax;

/** What tf.customGrad calls. It computes all gradients, though nobody asks for that of the labels. */
interface CustomGradients {
  runKernelFunc(params: {
    inputs: Record<string, Tensor>;
    forwardFunc(backend: unknown, save: GradSaveFunc): Tensor;
    backwardsFunc(dy: Tensor, saved: Tensor[]): Record<string, () => Tensor>;
  }): Tensor;
}

/** -sum(labels logSoftmax(logits)) along the last dimension, with upstream's gradients. */
function crossEntropyWithLogits(labels: Tensor, logits: Tensor): Tensor {
  const inputs = { labels, logits };
  return (engine() as unknown as CustomGradients).runKernelFunc({
    inputs,
    forwardFunc: (_, save) => {
      const outputs = engine().runKernel('SoftmaxCrossEntropyWithLogits', inputs);
      const [value, byLogits] = outputs as unknown as [Tensor, Tensor];
      save([byLogits]);
      return value;
    },
    backwardsFunc: (dy, [byLogits]) => {
      const gradient = () => mul(reshape(dy, [...dy.shape, 1]), byLogits as Tensor);
      return { labels: () => neg(gradient()), logits: gradient };
    },
  });
}

losses.softmaxCrossEntropy = ((labels: Tensor, logits: Tensor, weights, labelSmoothing = 0, reduction) => {
  const native =
    isNative(logits) &&
    // Gradients of gradients are upstream's.
    engine().state.gradientDepth < 2 &&
    labels instanceof Tensor &&
    ['float32', 'int32', 'bool'].includes(labels.dtype) &&
    util.arraysEqual(labels.shape, logits.shape);
  if (!native) return upstream.softmaxCrossEntropy(labels, logits, weights, labelSmoothing, reduction);
  return tidy(() => {
    const targets = cast(labels, 'float32');
    const smooth =
      labelSmoothing > 0
        ? add(mul(targets, 1 - labelSmoothing), labelSmoothing / (labels.shape[1] as number))
        : targets;
    return losses.computeWeightedLoss(crossEntropyWithLogits(smooth, logits), weights, reduction);
  });
}) as typeof losses.softmaxCrossEntropy;
