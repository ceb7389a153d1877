/** The parameters of each native op, by the names that `native/core/params.h` gives them. */
type None = Readonly<Record<never, number>>;

export interface OpParams {
  Relu: None;
  Square: None;
  Softmax: None;
  Transpose: Readonly<Record<`perm${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`, number>>;
}

/** An op of `native/ops.def`, named as the TensorFlow.js kernel. */
export type OpName = keyof OpParams;
