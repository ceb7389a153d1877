/** The bias and the activation that fused kernels take beside their product. */
import {
  getKernel,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../native-backend';

/** By TensorFlow.js's names: `Activation` of `native/core/params.h`, and the kernel that does it alone. */
const activations = {
  linear: { code: 0, kernel: undefined },
  relu: { code: 1, kernel: 'Relu' },
  relu6: { code: 2, kernel: 'Relu6' },
  elu: { code: 3, kernel: 'Elu' },
  prelu: { code: 4, kernel: 'Prelu' },
  leakyrelu: { code: 5, kernel: 'LeakyRelu' },
  sigmoid: { code: 6, kernel: 'Sigmoid' },
} as const;

/** What a fused kernel does with its product. */
export interface Fusion {
  readonly bias: TensorInfo | undefined;
  readonly activation: keyof typeof activations;
  /** The slopes below zero of prelu. */
  readonly preluActivationWeights: TensorInfo | undefined;
  /** The slope below zero of leakyrelu. */
  readonly leakyreluAlpha: number;
}

/** Reads a fused kernel's call; undefined if native ops do not know its activation or a tensor's dtype. */
export function readFusion(inputs: NamedTensorInfoMap, attrs: NamedAttrMap): Fusion | undefined {
  const activation = (attrs.activation || 'linear') as keyof typeof activations;
  if (!Object.hasOwn(activations, activation)) return undefined;
  const bias = (inputs.bias as TensorInfo | null | undefined) ?? undefined;
  const isPrelu = activation === 'prelu';
  const slopes = isPrelu ? (inputs.preluActivationWeights as TensorInfo | null | undefined) : undefined;
  if (isPrelu && !slopes) return undefined;
  if ([bias, slopes].some((tensor) => tensor && tensor.dtype !== 'float32')) return undefined;
  return {
    bias,
    activation,
    preluActivationWeights: slopes ?? undefined,
    leakyreluAlpha: activation === 'leakyrelu' ? Number(attrs.leakyreluAlpha) : 0,
  };
}

/** The parameters that fused native ops have beside those of the product. */
export function fusionParams(fusion: Fusion): { activation: number; leakyreluAlpha: number } {
  return { activation: activations[fusion.activation].code, leakyreluAlpha: fusion.leakyreluAlpha };
}

/** Whether a tensor of at most this rank has one value, or one for each of the columns of the result. */
export function isPerColumn(tensor: TensorInfo, columns: number, maxRank: number): boolean {
  const size = util.sizeFromShape(tensor.shape);
  const fits = size === 1 || (size === columns && tensor.shape.at(-1) === columns);
  return fits && tensor.shape.length <= maxRank;
}

/** Applies bias and activation, broadcast in any way, as kernels of their own; disposes of the product. */
export function applyFusion(backend: NativeBackend, product: TensorInfo, fusion: Fusion): TensorInfo {
  let y = product;
  const apply = (kernel: string, inputs: NamedTensorInfoMap) => {
    const attrs = { alpha: fusion.leakyreluAlpha };
    const result = getKernel(kernel, 'native')?.kernelFunc({ inputs, attrs, backend }) as TensorInfo;
    backend.disposeIntermediateTensorInfo(y);
    y = result;
  };
  const { bias, preluActivationWeights: alpha } = fusion;
  const { kernel } = activations[fusion.activation];
  if (bias !== undefined) apply('Add', { a: y, b: bias });
  if (kernel !== undefined) apply(kernel, alpha === undefined ? { x: y } : { x: y, alpha });
  return y;
}
