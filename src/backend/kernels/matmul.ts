/** Products of matrices, batched, with bias and activation where they are fused. */
import {
  broadcast_util,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { applyFusion, fusionParams, isPerColumn, readFusion } from './activation';
import type { NativeKernels } from './kernel';

interface Product {
  readonly operands: readonly [a: TensorInfo, b: TensorInfo];
  readonly shape: number[];
  readonly params: { readonly transposeA: number; readonly transposeB: number };
}

/** Undefined for what the JavaScript kernel takes: other dtypes, and shapes that it refuses. */
function productOf(inputs: NamedTensorInfoMap, attrs: NamedAttrMap): Product | undefined {
  const a = inputs.a as TensorInfo;
  const b = inputs.b as TensorInfo;
  const aRank = a.shape.length;
  const bRank = b.shape.length;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || aRank < 2 || bRank < 2) return undefined;
  const transposeA = attrs.transposeA ? 1 : 0;
  const transposeB = attrs.transposeB ? 1 : 0;
  const rows = a.shape[aRank - 2 + transposeA] as number;
  const columns = b.shape[bRank - 1 - transposeB] as number;
  if (a.shape[aRank - 1 - transposeA] !== b.shape[bRank - 2 + transposeB]) return undefined;
  const batch =
    aRank === 2 && bRank === 2
      ? []
      : broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { operands: [a, b], shape: [...batch, rows, columns], params: { transposeA, transposeB } };
}

export const matmul: NativeKernels = {
  BatchMatMul: ({ inputs, attrs, backend }) => {
    const product = productOf(inputs, attrs);
    if (product === undefined) return undefined;
    const y = backend.output(product.shape, 'float32');
    backend.run('BatchMatMul', product.operands, [y], product.params);
    return y;
  },
  _FusedMatMul: ({ inputs, attrs, backend }) => {
    const product = productOf(inputs, attrs);
    const fusion = readFusion(inputs, attrs);
    if (product === undefined || fusion === undefined) return undefined;
    const { operands, shape, params } = product;
    const { bias, preluActivationWeights: slopes } = fusion;
    const columns = shape.at(-1) as number;
    const y = backend.output(shape, 'float32');
    if ([bias, slopes].every((t) => t === undefined || isPerColumn(t, columns, shape.length))) {
      backend.run('_FusedMatMul', [...operands, bias, slopes], [y], { ...params, ...fusionParams(fusion) });
      return y;
    }
    backend.run('BatchMatMul', operands, [y], params);
    return applyFusion(backend, y, fusion);
  },
};
