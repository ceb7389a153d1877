/** Softmax and its logarithm over the last dimension, and their gradients. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeKernel, NativeKernels } from './kernel';

function forward(name: 'Softmax' | 'LogSoftmax', axis: 'dim' | 'axis'): NativeKernel {
  return ({ inputs, attrs, backend }) => {
    const logits = inputs.logits as TensorInfo;
    const rank = logits.shape.length;
    const along = attrs[axis] as number;
    if (logits.dtype !== 'float32' || rank === 0 || (along !== -1 && along !== rank - 1)) return undefined;
    const y = backend.output(logits.shape, 'float32');
    backend.run(name, [logits], [y], {});
    return y;
  };
}

/** By dy and the output of the forward op. Only src/upstream calls them, with float32 of one shape. */
function gradient(name: 'SoftmaxGrad' | 'LogSoftmaxGrad'): NativeKernel {
  return ({ inputs, backend }) => {
    const y = inputs.y as TensorInfo;
    const dx = backend.output(y.shape, 'float32');
    backend.run(name, [inputs.dy, y], [dx], {});
    return dx;
  };
}

/** The loss of each row and its gradient by the logits. Only src/upstream calls it, with float32 of one shape. */
const crossEntropy: NativeKernel = ({ inputs, backend }) => {
  const logits = inputs.logits as TensorInfo;
  const outputs = [logits.shape.slice(0, -1), logits.shape].map((shape) => backend.output(shape, 'float32'));
  backend.run('SoftmaxCrossEntropyWithLogits', [inputs.labels, logits], outputs, {});
  return outputs;
};

export const softmax: NativeKernels = {
  Softmax: forward('Softmax', 'dim'),
  SoftmaxGrad: gradient('SoftmaxGrad'),
  LogSoftmax: forward('LogSoftmax', 'axis'),
  LogSoftmaxGrad: gradient('LogSoftmaxGrad'),
  SoftmaxCrossEntropyWithLogits: crossEntropy,
};
