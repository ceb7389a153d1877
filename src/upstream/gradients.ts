/**
 * Gradients that run as one native kernel where upstream composes them of several. On other backends, and for other
 * dtypes, upstream's own runs.
 */
import {
  engine,
  type GradConfig,
  getGradient,
  registerGradient,
  type Tensor,
  zerosLike,
} from '@tensorflow/tfjs-core';

function reluGrad(dy: Tensor, x: Tensor): Tensor {
  return engine().runKernel('ReluGrad', { dy, x }) as Tensor;
}

/** Registers them in place of upstream's. */
export function registerGradients(): void {
  const upstream = getGradient('Relu') as GradConfig;
  registerGradient({
    ...upstream,
    gradFunc: (dy, saved, attrs) => {
      const x = saved[0] as Tensor;
      const native = engine().backendName === 'native' && x.dtype === 'float32' && !Array.isArray(dy);
      return native ? { x: () => reluGrad(dy, x) } : upstream.gradFunc(dy, saved, attrs);
    },
  });
  // Gradients of gradients.
  registerGradient({
    kernelName: 'ReluGrad',
    inputsToSave: ['x'],
    gradFunc: (ddx, saved) => {
      const x = saved[0] as Tensor;
      return { dy: () => reluGrad(ddx as Tensor, x), x: () => zerosLike(x) };
    },
  });
}
