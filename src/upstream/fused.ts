/**
 * Fused convolutions and matrix products under a gradient. Upstream fuses there only without an activation, and then
 * computes the gradient of every input, wanted or not; here relu is fused as well, and gradients come when they are
 * asked for. tf.layers' Conv2D and Dense go this way. Whatever else is upstream's.
 *
 * The functions are replaced in `tf.fused`, which is where tf.layers and users find them.
 */
import {
  backend_util,
  engine,
  fused,
  matMul,
  type NamedAttrMap,
  registerGradient,
  sum,
  Tensor,
} from '@tensorflow/tfjs-core';

type FusedOps = { -readonly [Name in keyof typeof fused]: (typeof fused)[Name] };
type Args<Name extends keyof FusedOps> = Parameters<FusedOps[Name]>[0];
const upstream: FusedOps = { ...fused };
const exported = fused as FusedOps;

function isMatrixLike(x: unknown, rank: number): x is Tensor {
  return x instanceof Tensor && x.rank === rank && x.dtype === 'float32' && x.size > 0;
}

/** Whether the gradient below knows the bias and the activation. */
function isSimple(
  bias: unknown,
  columns: number,
  { activation, preluActivationWeights }: Pick<Args<'conv2d'>, 'activation' | 'preluActivationWeights'>,
): boolean {
  // Gradients of gradients are upstream's.
  const { gradientDepth, kernelDepth } = engine().state;
  if (engine().backendName !== 'native' || gradientDepth !== 1 || kernelDepth !== 0) return false;
  if (activation != null && activation !== 'linear' && activation !== 'relu') return false;
  return (bias == null || (isMatrixLike(bias, 1) && bias.size === columns)) && preluActivationWeights == null;
}

function withBias(
  inputs: Record<string, Tensor>,
  bias: Args<'conv2d'>['bias'] | null,
): Record<string, Tensor> {
  return bias == null ? inputs : { ...inputs, bias: bias as Tensor };
}

exported.conv2d = ((args: Args<'conv2d'>) => {
  const { x, filter, strides, pad, dataFormat = 'NHWC', dilations, dimRoundingMode, bias, activation } = args;
  const able =
    isMatrixLike(x, 4) &&
    isMatrixLike(filter, 4) &&
    x.shape[3] === filter.shape[2] &&
    dataFormat === 'NHWC' &&
    dimRoundingMode === undefined &&
    (pad === 'same' || pad === 'valid') &&
    backend_util.tupleValuesAreOne(dilations ?? 1) &&
    isSimple(bias, filter.shape[3] as number, args);
  if (!able) return upstream.conv2d(args);
  const attrs = { strides, pad, dataFormat, dilations: [1, 1], activation: activation ?? 'linear' };
  return engine().runKernel('FusedConv2D', withBias({ x, filter }, bias), attrs as unknown as NamedAttrMap);
}) as FusedOps['conv2d'];

exported.matMul = ((args: Args<'matMul'>) => {
  const { a, b, transposeA, transposeB, bias, activation } = args;
  const able =
    isMatrixLike(a, 2) &&
    isMatrixLike(b, 2) &&
    a.shape[1] === b.shape[0] &&
    !transposeA &&
    !transposeB &&
    isSimple(bias, b.shape[1] as number, args);
  if (!able) return upstream.matMul(args);
  const attrs = { transposeA: false, transposeB: false, activation: activation ?? 'linear' };
  return engine().runKernel('_FusedMatMul', withBias({ a, b }, bias), attrs);
}) as FusedOps['matMul'];

/**
 * The gradients by what the activation was applied to and by the bias. What several inputs' gradients share has to be
 * made before them: each is made in a tidy of its own.
 */
function beforeActivation(dy: Tensor, y: Tensor, attrs: NamedAttrMap): { product: Tensor; bias(): Tensor } {
  if (attrs.activation === 'relu') {
    const [product, bias] = engine().runKernel('BiasReluGrad', { dy, y }) as unknown as [Tensor, Tensor];
    return { product, bias: () => bias };
  }
  const leading = y.shape.slice(0, -1).map((_, axis) => axis);
  return { product: dy, bias: () => sum(dy, leading) };
}

registerGradient({
  kernelName: 'FusedConv2D',
  inputsToSave: ['x', 'filter'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [x, filter, y] = saved as [Tensor, Tensor, Tensor];
    const gradient = beforeActivation(dy as Tensor, y, attrs);
    const run = (name: string, inputs: Record<string, Tensor>, more: NamedAttrMap) =>
      engine().runKernel(name, inputs, { ...attrs, ...more }) as Tensor;
    return {
      x: () => run('Conv2DBackpropInput', { dy: gradient.product, filter }, { inputShape: x.shape }),
      filter: () => run('Conv2DBackpropFilter', { x, dy: gradient.product }, { filterShape: filter.shape }),
      bias: () => gradient.bias(),
    };
  },
});

registerGradient({
  kernelName: '_FusedMatMul',
  inputsToSave: ['a', 'b'],
  outputsToSave: [true],
  gradFunc: (dy, saved, attrs) => {
    const [a, b, y] = saved as [Tensor, Tensor, Tensor];
    const gradient = beforeActivation(dy as Tensor, y, attrs);
    return {
      a: () => matMul(gradient.product, b, false, true),
      b: () => matMul(a, gradient.product, true, false),
      bias: () => gradient.bias(),
    };
  },
});
