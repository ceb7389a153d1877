/**
 * Gradients that run as one native kernel where upstream composes them of several. On other backends, and for other
 * dtypes, upstream's own runs.
 */
import {
  engine,
  exp,
  type GradConfig,
  type GradFunc,
  getGradient,
  mul,
  type NamedAttrMap,
  neg,
  registerGradient,
  sub,
  sum,
  type Tensor,
  zerosLike,
} from '@tensorflow/tfjs-core';

function run(name: string, inputs: Record<string, Tensor>, attrs?: NamedAttrMap): Tensor {
  return engine().runKernel(name, inputs, attrs) as Tensor;
}

/** Registers `native` in place of upstream's gradient; where it returns undefined, upstream's runs. */
export function replaceGradient(
  kernelName: string,
  native: (dy: Tensor, saved: Tensor[], attrs: NamedAttrMap) => ReturnType<GradFunc> | undefined,
): void {
  const upstream = getGradient(kernelName) as GradConfig;
  registerGradient({
    ...upstream,
    gradFunc: (dy, saved, attrs) => {
      const able = engine().backendName === 'native' && saved.every((tensor) => tensor.dtype === 'float32');
      return (able ? native(dy as Tensor, saved, attrs) : undefined) ?? upstream.gradFunc(dy, saved, attrs);
    },
  });
}

function replaceRelu(): void {
  replaceGradient('Relu', (dy, [x]) => ({ x: () => run('ReluGrad', { dy, x: x as Tensor }) }));
  registerGradient({
    kernelName: 'ReluGrad',
    inputsToSave: ['x'],
    gradFunc: (ddx, saved) => {
      const x = saved[0] as Tensor;
      return { dy: () => run('ReluGrad', { dy: ddx as Tensor, x }), x: () => zerosLike(x) };
    },
  });
}

/** dx = dy y - sum(dy y) y */
function replaceSoftmax(): void {
  replaceGradient('Softmax', (dy, [y]) => ({ logits: () => run('SoftmaxGrad', { dy, y: y as Tensor }) }));
  registerGradient({
    kernelName: 'SoftmaxGrad',
    inputsToSave: ['dy', 'y'],
    gradFunc: (ddx, saved) => {
      const [dy, y] = saved as [Tensor, Tensor];
      const by = ddx as Tensor;
      const over = (product: Tensor) => sum(product, -1, true);
      return {
        dy: () => run('SoftmaxGrad', { dy: by, y }),
        y: () => sub(mul(by, sub(dy, over(mul(dy, y)))), mul(dy, over(mul(by, y)))),
      };
    },
  });
}

/** dx = dy - sum(dy) exp(y) */
function replaceLogSoftmax(): void {
  replaceGradient('LogSoftmax', (dy, [y]) => ({
    logits: () => run('LogSoftmaxGrad', { dy, y: y as Tensor }),
  }));
  registerGradient({
    kernelName: 'LogSoftmaxGrad',
    inputsToSave: ['dy', 'y'],
    gradFunc: (ddx, saved) => {
      const [dy, y] = saved as [Tensor, Tensor];
      const weighted = mul(ddx as Tensor, exp(y));
      return {
        dy: () => sub(ddx as Tensor, sum(weighted, -1, true)),
        y: () => neg(mul(sum(dy, -1, true), weighted)),
      };
    },
  });
}

/** Registers them in place of upstream's. */
export function registerGradients(): void {
  replaceRelu();
  replaceSoftmax();
  replaceLogSoftmax();
}
