/**
 * The crossentropy of classes' probabilities, and its gradient by them. Only src/upstream calls these, with float32
 * probabilities of at least one class, and targets of float32 or int32 that fit.
 */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { OpParams } from '../ops';
import type { NativeKernel, NativeKernels } from './kernel';

type Name = keyof OpParams & `${string}Crossentropy`;

/** Where numbers are kept away from 0 and 1, whose logarithms are of no use. */
function clip(attrs: NamedAttrMap): OpParams['ClipByValue'] {
  const epsilon = attrs.epsilon as number;
  return { clipValueMin: epsilon, clipValueMax: 1 - epsilon };
}

function forward(name: Name): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const probabilities = inputs.probabilities as TensorInfo;
    const loss = backend.output(probabilities.shape.slice(0, -1), 'float32');
    backend.run(name, [inputs.target, probabilities], [loss], clip(attrs));
    return loss;
  };
}

function gradient(name: Name): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const probabilities = inputs.probabilities as TensorInfo;
    const dp = backend.output(probabilities.shape, 'float32');
    backend.run(`${name}Grad`, [inputs.dy, inputs.target, probabilities], [dp], clip(attrs));
    return dp;
  };
}

export const crossentropy: NativeKernels = {
  CategoricalCrossentropy: forward('CategoricalCrossentropy'),
  CategoricalCrossentropyGrad: gradient('CategoricalCrossentropy'),
  SparseCategoricalCrossentropy: forward('SparseCategoricalCrossentropy'),
  SparseCategoricalCrossentropyGrad: gradient('SparseCategoricalCrossentropy'),
};
