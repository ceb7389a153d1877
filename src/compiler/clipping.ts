/** Gradient clipping, which the optimizers of tf.train do not have by themselves. */
import {
  addN,
  clipByValue,
  div,
  maximum,
  mul,
  type Optimizer,
  type Scalar,
  sqrt,
  square,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { nativeError } from '../errors';
import { optimizerRules } from './optimizers';

/** How gradients are clipped, by the meaning that Keras' optimizers give these: one of the three, a number above 0. */
export interface GradientClipping {
  /** Each number of a gradient is brought within [-clipValue, clipValue]. */
  readonly clipValue?: number | undefined;
  /** A weight's gradient is scaled down to this Euclidean norm, if it is longer. */
  readonly clipNorm?: number | undefined;
  /** All gradients together are. */
  readonly globalClipNorm?: number | undefined;
}

/** By their codes, `Clip` of native/plan/plan.h. */
const kinds = ['clipValue', 'clipNorm', 'globalClipNorm'] as const;
type Kind = (typeof kinds)[number];

/** Code and number, as the addon reads them. */
export type EncodedClipping = readonly [kind: number, value: number];

interface Clipping {
  readonly kind: Kind;
  readonly value: number;
}

const clippings = new WeakMap<Optimizer, Clipping>();

/**
 * Has an optimizer clip gradients before each of its steps, on any backend, compiled or not. A regularizer's part of
 * the gradient is clipped with it. It is not saved with a model.
 * @param optimizer one of tf.train's
 * @param clipping how, from now on; an empty object for not at all, which is the default
 * @returns the same optimizer
 * @throws TfjsNativeError INVALID_ARGUMENT
 * @example model.compile({ optimizer: tf.clipGradients(tf.train.adam(), { globalClipNorm: 1 }), loss });
 */
export function clipGradients<O extends Optimizer>(optimizer: O, clipping: GradientClipping): O {
  if (!optimizerRules.some(([{ prototype }]) => Object.getPrototypeOf(optimizer) === prototype))
    throw nativeError('INVALID_ARGUMENT', 'optimizer', optimizer?.constructor?.name, 'one of tf.train');
  const asked = Object.entries(clipping).filter(([, value]) => value !== undefined);
  const accepted = `at most one of ${kinds.join(', ')}, a finite number above 0`;
  if (asked.length > 1 || asked.some(([name]) => !kinds.includes(name as Kind)))
    throw nativeError('INVALID_ARGUMENT', 'clipping', JSON.stringify(clipping), accepted);
  const [one] = asked;
  if (one === undefined) {
    clippings.delete(optimizer);
    return optimizer;
  }
  const [kind, value] = one as [Kind, number];
  if (!(typeof value === 'number' && value > 0 && Number.isFinite(value)))
    throw nativeError('INVALID_ARGUMENT', `clipping.${kind}`, value, 'a finite number above 0');
  clippings.set(optimizer, { kind, value });
  return optimizer;
}

/** What an optimizer does to gradients; another object whenever that has changed. */
export function clippingOf(optimizer: Optimizer): Clipping | undefined {
  return clippings.get(optimizer);
}

/** Whether its gradients are scaled by their norms. */
export function clipsNorms(optimizer: Optimizer): boolean {
  const kind = clippings.get(optimizer)?.kind;
  return kind !== undefined && kind !== 'clipValue';
}

export function encodeClipping(optimizer: Optimizer): EncodedClipping {
  const clipping = clippings.get(optimizer);
  return clipping ? [1 + kinds.indexOf(clipping.kind), clipping.value] : [0, 0];
}

function norm(gradients: readonly Tensor[]): Scalar {
  return sqrt(addN(gradients.map((gradient) => sum(square(gradient)) as Scalar)));
}

/** The gradients, clipped; to be called within `tidy`. */
export function clipped(
  gradients: readonly { name: string; tensor: Tensor }[],
  { kind, value }: Clipping,
): { name: string; tensor: Tensor }[] {
  const scaled = (tensor: Tensor, length: Scalar): Tensor => mul(tensor, div(value, maximum(length, value)));
  const tensors = gradients.flatMap(({ tensor }) => tensor ?? []);
  const length = kind === 'globalClipNorm' && tensors.length > 0 ? norm(tensors) : undefined;
  return gradients.map(({ name, tensor }) => {
    // Upstream has null for a variable without a gradient.
    if (tensor == null) return { name, tensor };
    if (kind === 'clipValue') return { name, tensor: clipByValue(tensor, -value, value) };
    return { name, tensor: scaled(tensor, length ?? norm([tensor])) };
  });
}
