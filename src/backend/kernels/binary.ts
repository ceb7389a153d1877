/** Arithmetic on two tensors, broadcast. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { broadcastShape, isSame } from './broadcast';
import type { NativeKernel, NativeKernels } from './kernel';

const none = {};

/** Each with the dtypes that the native op has. */
const operators = {
  Add: ['float32', 'int32'],
  Sub: ['float32', 'int32'],
  Multiply: ['float32', 'int32'],
  RealDiv: ['float32'],
  Maximum: ['float32', 'int32'],
  Minimum: ['float32', 'int32'],
  SquaredDifference: ['float32', 'int32'],
  FloorDiv: ['float32', 'int32'],
  Mod: ['float32', 'int32'],
  Pow: ['float32', 'int32'],
} as const;

type Binary = keyof typeof operators;

function kernelOf(name: Binary): NativeKernel {
  const [float, integer] = operators[name];
  const to = name === 'FloorDiv' ? 'int32' : undefined;
  return ({ inputs, backend }) => {
    const a = inputs.a as TensorInfo;
    const b = inputs.b as TensorInfo;
    const dtype = a.dtype;
    if ((dtype !== float && dtype !== integer) || b.dtype !== dtype) return undefined;
    const y = backend.output(broadcastShape(a.shape, b.shape), to ?? dtype);
    backend.run(name, [a, b], [y], none);
    return y;
  };
}

export const binary: NativeKernels = {
  ...(Object.fromEntries(
    (Object.keys(operators) as Binary[]).map((name) => [name, kernelOf(name)]),
  ) as NativeKernels),

  Prelu: ({ inputs, backend }) => {
    const x = inputs.x as TensorInfo;
    const alpha = inputs.alpha as TensorInfo;
    if (x.dtype !== 'float32' || alpha.dtype !== 'float32') return undefined;
    const y = backend.output(broadcastShape(x.shape, alpha.shape), 'float32');
    backend.run('Prelu', [x, alpha], [y], none);
    return y;
  },

  EluGrad: ({ inputs, backend }) => {
    const dy = inputs.dy as TensorInfo;
    const y = inputs.y as TensorInfo;
    if (dy.dtype !== 'float32' || y.dtype !== 'float32' || !isSame(dy.shape, y.shape)) return undefined;
    const dx = backend.output(y.shape, 'float32');
    backend.run('EluGrad', [dy, y], [dx], none);
    return dx;
  },

  // These two for src/upstream/fused.ts and gradients.ts, which ask for them with float32 of one shape.
  BiasReluGrad: ({ inputs, backend }) => {
    const { dy, y } = inputs as Record<'dy' | 'y', TensorInfo>;
    const dx = backend.output(dy.shape, 'float32');
    const dbias = backend.output(dy.shape.slice(-1), 'float32');
    backend.run('BiasReluGrad', [dy, y], [dx, dbias], none);
    return [dx, dbias];
  },
  ReluGrad: ({ inputs, backend }) => {
    const dy = inputs.dy as TensorInfo;
    const dx = backend.output(dy.shape, 'float32');
    backend.run('ReluGrad', [dy, inputs.x as TensorInfo], [dx], none);
    return dx;
  },

  AddN: ({ inputs, backend }) => {
    const terms = Object.values(inputs) as TensorInfo[];
    const { dtype, shape } = terms[0] as TensorInfo;
    if (dtype !== 'float32' && dtype !== 'int32') return undefined;
    if (!terms.every((term) => term.dtype === dtype && isSame(term.shape, shape))) return undefined;
    const y = backend.output(shape, dtype);
    backend.run('AddN', terms, [y], none);
    return y;
  },
};
