/** Updates of a variable by its gradient. Inputs are in the order of native/kernels/optimizer.cc. */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { OpName, OpParams } from '../ops';
import type { NativeKernel, NativeKernels } from './kernel';

/** The ops by how many slots (moments and the like) they update beside the variable. */
export const optimizerSlots = {
  ApplyGradientDescent: 0,
  ApplyMomentum: 1,
  ApplyRMSProp: 2,
  ApplyCenteredRMSProp: 3,
  ApplyAdagrad: 1,
  ApplyAdadelta: 2,
  ApplyAdam: 2,
  ApplyAdaMax: 2,
} as const;

export type OptimizerOp = keyof typeof optimizerSlots;

function update(name: OptimizerOp): NativeKernel {
  const slots = optimizerSlots[name];
  return ({ inputs, attrs, backend }) => {
    const list = Object.values(inputs) as TensorInfo[];
    const { shape } = list[0] as TensorInfo;
    const outputs = Array.from({ length: slots + 1 }, () => backend.output(shape, 'float32'));
    backend.run(name, list, outputs, attrs as NamedAttrMap as OpParams[OpName] as never);
    return outputs;
  };
}

export const optimizer: NativeKernels = Object.fromEntries(
  Object.keys(optimizerSlots).map((name) => [name, update(name as OptimizerOp)]),
);
