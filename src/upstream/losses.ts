/**
 * Gives the losses that tf.layers knows as `categoricalCrossentropy` and `sparseCategoricalCrossentropy` a native
 * kernel, where upstream composes each of dozens of ops. Results are upstream's within rounding; on other backends,
 * for gradients of gradients and for tensors that do not fit, upstream's own run.
 */
import { engine, mul, registerGradient, type Tensor, util } from '@tensorflow/tfjs-core';
import { LayersModel, type ModelCompileArgs } from '@tensorflow/tfjs-layers';
import { setLossWeights } from '../compiler/loss_weights';

type Loss = LayersModel['lossFunctions'][number];

const sizeOfRows = (x: Tensor): number => x.size / (x.shape.at(-1) as number);

/** The native losses by upstream's names of them, and whether targets fit probabilities. */
const natives = new Map<unknown, { readonly op: string; fits(target: Tensor, p: Tensor): boolean }>([
  [
    'categoricalCrossentropy',
    { op: 'CategoricalCrossentropy', fits: (target, p) => util.arraysEqual(target.shape, p.shape) },
  ],
  [
    'sparseCategoricalCrossentropy',
    { op: 'SparseCategoricalCrossentropy', fits: (target, p) => target.size === sizeOfRows(p) },
  ],
]);

for (const { op } of natives.values()) {
  registerGradient({
    kernelName: op,
    inputsToSave: ['target', 'probabilities'],
    gradFunc: (dy, saved, attrs) => {
      const [target, probabilities] = saved as [Tensor, Tensor];
      const inputs = { dy: dy as Tensor, target, probabilities };
      return { probabilities: () => engine().runKernel(`${op}Grad`, inputs, attrs) as Tensor };
    },
  });
}

/** The loss of that name, if there is a native one, else `upstream`. */
function nativeLoss(name: unknown, upstream: Loss): Loss {
  const native = natives.get(name);
  if (native === undefined) return upstream;
  return (target, probabilities) => {
    const { backend, backendName, state } = engine();
    const able =
      backendName === 'native' &&
      state.gradientDepth <= 1 &&
      probabilities.dtype === 'float32' &&
      probabilities.rank >= 2 &&
      probabilities.size > 0 &&
      (target.dtype === 'float32' || target.dtype === 'int32') &&
      native.fits(target, probabilities);
    if (!able) return upstream(target, probabilities);
    return engine().runKernel(native.op, { target, probabilities }, { epsilon: backend.epsilon() });
  };
}

/** What the user asked for as the loss of an output. */
function lossOf(loss: ModelCompileArgs['loss'], index: number, output: string): unknown {
  if (typeof loss !== 'object') return loss;
  return Array.isArray(loss) ? loss[index] : loss[output];
}

const upstreamCompile = LayersModel.prototype.compile;
LayersModel.prototype.compile = function (args) {
  const weights = setLossWeights(this, args.lossWeights);
  upstreamCompile.call(this, args);
  // Now only: by the functions that it knows upstream chooses what 'accuracy' means.
  const replaced = new Map(
    this.lossFunctions.map((upstream, i) => [
      upstream,
      nativeLoss(lossOf(args.loss, i, this.outputNames[i] as string), upstream),
    ]),
  );
  const inPlaceOf = (upstream: Loss): Loss => replaced.get(upstream) ?? upstream;
  this.lossFunctions = this.lossFunctions.map(inPlaceOf);
  this.metricsTensors = this.metricsTensors.map(([metric, output]) => [inPlaceOf(metric), output]);
  // What is told of each output is among the metrics.
  this.lossFunctions = this.lossFunctions.map((loss, i) => {
    const weight = weights[i] as number;
    return weight === 1 ? loss : (target, output) => mul(loss(target, output), weight);
  });
};
