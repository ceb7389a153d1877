/** Activations: as layers of their own, and behind others. */
import { layers } from '@tensorflow/tfjs-layers';
import type { Activation } from '@tensorflow/tfjs-layers/dist/activations';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { type Memory, type Tape, type Value, sizeOf } from '../tape';
import { type Composed, composed } from './composed_activation';
import type { LayerRule } from './rule';

type ElementwiseOp = 'Relu' | 'Elu' | 'Sigmoid' | 'Tanh' | 'Softmax' | 'LogSoftmax';
type GradientOp = 'ReluGrad' | 'EluGrad' | 'SigmoidGrad' | 'TanhGrad' | 'SoftmaxGrad' | 'LogSoftmaxGrad';

/** By tf.layers' names: the op, the op of its gradient from dy and y, and its code as `activation` of fused ops. */
const activations: Readonly<Record<string, readonly [op: ElementwiseOp, grad: GradientOp, fused?: number]>> =
  {
    relu: ['Relu', 'ReluGrad', 1],
    elu: ['Elu', 'EluGrad', 3],
    sigmoid: ['Sigmoid', 'SigmoidGrad', 6],
    tanh: ['Tanh', 'TanhGrad'],
    softmax: ['Softmax', 'SoftmaxGrad'],
    logSoftmax: ['LogSoftmax', 'LogSoftmaxGrad'],
  };

/** How to go back through the composed activations that were written, by the memory of their outputs. */
const backward = new WeakMap<Memory, ReturnType<Composed>['backward']>();

/** The name of a layer's activation. */
export function activationOf(layer: Layer): string {
  const { activation } = layer as unknown as { activation: Activation | null };
  return activation == null ? 'linear' : activation.getClassName();
}

const classes = new Map<string, unknown>();

/** Whether an activation that goes by a known name is not that of tf.layers. */
function isOwn(activation: Activation, name: string): boolean {
  if (!classes.has(name)) {
    const { activation: known } = layers.activation({ activation: name as 'relu' }) as unknown as {
      activation: Activation;
    };
    classes.set(name, known.constructor);
  }
  return activation.constructor !== classes.get(name) || Object.hasOwn(activation, 'apply');
}

/** Why an activation cannot be compiled, if it cannot. */
export function refuseActivation(layer: Layer): string | undefined {
  const { activation } = layer as unknown as { activation: Activation | null };
  return refuseUnless(
    activation,
    (name) => name === 'linear' || Object.hasOwn(activations, name) || Object.hasOwn(composed, name),
  );
}

/** Why one cannot be compiled where only those of some names can. */
export function refuseUnless(
  activation: Activation | null | undefined,
  known: (name: string) => boolean,
): string | undefined {
  if (activation == null) return undefined;
  const name = activation.getClassName();
  if (!known(name)) return `its activation ${name} has no compiled form`;
  return isOwn(activation, name) ? `its activation ${name} is the program’s own` : undefined;
}

/** The code that ops with an `activation` parameter take; undefined if they do not know this one. */
export function fusedActivation(name: string): number | undefined {
  return name === 'linear' ? 0 : activations[name]?.[2];
}

/** Rows of the last dimension, which is what softmax works on. */
function rowsOf(tape: Tape, x: Value): Value {
  const columns = x.dims.at(-1) as number;
  return tape.view(x, [sizeOf(x) / columns, columns]);
}

/** Writes y = activation(x); x itself for a linear one. */
export function activate(tape: Tape, name: string, x: Value): Value {
  if (name === 'linear') return x;
  const written = composed[name]?.(tape, x);
  if (written !== undefined) {
    backward.set(written.output.memory, written.backward);
    return written.output;
  }
  const [op] = activations[name] as (typeof activations)[string];
  const y = tape.value(x.dims.slice(1));
  tape.call(op, [rowsOf(tape, x)], [rowsOf(tape, y)], {});
  return y;
}

/** Writes the gradient of the activation's input from that of its output `y`. */
export function activationGradient(tape: Tape, name: string, dy: Value, y: Value): Value {
  if (name === 'linear') return dy;
  const write = backward.get(y.memory);
  if (write !== undefined) return write(dy);
  const [, op] = activations[name] as (typeof activations)[string];
  const dx = tape.value(y.dims.slice(1));
  tape.call(op, [rowsOf(tape, dy), rowsOf(tape, y)], [rowsOf(tape, dx)], {});
  return dx;
}

/** A layer that is nothing but an activation. */
export function activationRule(probe: () => Layer, nameOf: (layer: Layer) => string): LayerRule {
  return {
    probe,
    activation: nameOf,
    lower({ activation }, [x], tape) {
      const output = activate(tape, activation, x as Value);
      return { output, backward: (dy) => [activationGradient(tape, activation, dy, output)] };
    },
  };
}

export const activation: LayerRule = {
  ...activationRule(() => layers.activation({ activation: 'relu' }), activationOf),
  refuse: refuseActivation,
};
export const relu: LayerRule = {
  ...activationRule(
    () => layers.reLU(),
    () => 'relu',
  ),
  refuse: (layer) =>
    (layer as unknown as { maxValue?: number }).maxValue == null ? undefined : 'it has a maxValue',
};
export const elu = activationRule(
  () => layers.elu(),
  () => 'elu',
);
export const softmax: LayerRule = {
  ...activationRule(
    () => layers.softmax(),
    () => 'softmax',
  ),
  refuse(layer) {
    const { axis } = layer as unknown as { axis: number };
    const rank = layer.inboundNodes[0]?.inputTensors[0]?.rank as number;
    // When it is built the layer counts it from the front. TensorFlow.js has no softmax of another dimension.
    return axis === -1 || axis === rank - 1 ? undefined : `its axis is ${axis}, not the last`;
  },
};
