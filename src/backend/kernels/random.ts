/**
 * Random numbers by Philox4x32-10. All but Multinomial are kernels that only we have, for src/upstream/random.ts; their
 * attributes are the parameters of the op.
 */
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { OpParams, Philox } from '../ops';
import type { NativeDType } from '../storage';
import type { NativeKernel, NativeKernels } from './kernel';

type RandomOp = 'RandomUniform' | 'RandomStandardNormal' | 'TruncatedNormal';

/** Attributes beside the parameters: `shape` and `dtype`. */
function random(name: RandomOp): NativeKernel {
  return ({ attrs, backend }) => {
    const y = backend.output(attrs.shape as number[], attrs.dtype as NativeDType);
    backend.run(name, [], [y], attrs as NamedAttrMap as OpParams[RandomOp] as never);
    return y;
  };
}

export const randomNumbers: NativeKernels = {
  RandomUniform: random('RandomUniform'),
  RandomStandardNormal: random('RandomStandardNormal'),
  TruncatedNormal: random('TruncatedNormal'),
  Dropout: ({ inputs, attrs, backend }) => {
    const x = inputs.x as TensorInfo;
    const y = backend.output(x.shape, 'float32');
    backend.run('Dropout', [x], [y], attrs as NamedAttrMap as OpParams['Dropout']);
    return y;
  },
  /** Of float32 probabilities. */
  Multinomial: ({ inputs, attrs, backend }) => {
    const probabilities = inputs.logits as TensorInfo;
    // With a seed the numbers are upstream's.
    if (attrs.seed !== undefined) return undefined;
    const y = backend.output([probabilities.shape[0] as number, attrs.numSamples as number], 'int32');
    backend.run('Multinomial', [probabilities], [y], attrs as NamedAttrMap as Philox);
    return y;
  },
};
