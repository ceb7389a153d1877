/** SimpleRNN, GRU, LSTM, and RNN over one of their cells: whole sequences in one op. */
import { layers, type LayerVariable } from '@tensorflow/tfjs-layers';
import type { Activation } from '@tensorflow/tfjs-layers/dist/activations';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import { constraintOf, refuseConstraint } from '../constraints';
import type { State, Tape, Value } from '../tape';
import { isAltered, nameOf, Uncompilable } from '../trace';
import { refuseUnless } from './activation';
import { Elementwise } from './elementwise';
import { join } from './merge';
import { mask as dropoutMask } from './noise';
import type { LayerRule, Lowered } from './rule';

interface Cell {
  readonly units: number;
  readonly activation: Activation | null;
  readonly recurrentActivation?: Activation | null;
  readonly kernel: LayerVariable;
  readonly recurrentKernel: LayerVariable;
  readonly bias: LayerVariable | null | undefined;
  readonly dropout: number;
  readonly recurrentDropout: number;
  readonly dropoutFunc: unknown;
}

/** A recurrent layer of upstream's. */
export interface Recurrent extends Layer {
  /** Of a stateful layer that is built. */
  readonly states_: Tensor[] | null;
  readonly cell: Layer & Cell;
  readonly returnSequences: boolean;
  readonly goBackwards: boolean;
}

interface Kind {
  readonly op: 'SimpleRNN' | 'GRU' | 'LSTM';
  readonly gradient: 'SimpleRNNGrad' | 'GRUGrad' | 'LSTMGrad';
  readonly states: number;
  /** Floats that the op keeps of a sample for its gradient. */
  workspace(steps: number, units: number): number;
  probe(): Layer;
}

/** By the class of the cell. */
const kinds: Readonly<Record<string, Kind>> = {
  SimpleRNNCell: {
    op: 'SimpleRNN',
    gradient: 'SimpleRNNGrad',
    states: 1,
    workspace: (steps, units) => (steps + 1) * units,
    probe: () => layers.simpleRNNCell({ units: 1 }),
  },
  GRUCell: {
    op: 'GRU',
    gradient: 'GRUGrad',
    states: 1,
    workspace: (steps, units) => (5 * steps + 1) * units,
    probe: () => layers.gruCell({ units: 1 }),
  },
  LSTMCell: {
    op: 'LSTM',
    gradient: 'LSTMGrad',
    states: 2,
    workspace: (steps, units) => (6 * steps + 2) * units,
    probe: () => layers.lstmCell({ units: 1 }),
  },
};

/** `RecurrentActivation` of native/core/params.h, by tf.layers' names. */
const codes: Readonly<Record<string, number>> = {
  linear: 0,
  relu: 1,
  tanh: 2,
  sigmoid: 3,
  hardSigmoid: 4,
  elu: 5,
  softsign: 6,
};

function codeOf(activation: Activation | null | undefined): number {
  return codes[activation?.getClassName() ?? 'linear'] as number;
}

/** Why a recurrent layer cannot be compiled, if it cannot. */
export function refuseRecurrent(layer: Layer): string | undefined {
  const { cell } = layer as unknown as Recurrent;
  const kind = kinds[cell.getClassName()];
  if (kind === undefined || kind.probe().constructor !== cell.constructor || isAltered(cell))
    return `its cell ${cell.name} (${cell.getClassName()}) is none of SimpleRNN, GRU and LSTM`;
  if (cell.dropoutFunc != null) return 'it has a dropoutFunc';
  const known = (name: string): boolean => Object.hasOwn(codes, name);
  const reason = refuseUnless(cell.activation, known) ?? refuseUnless(cell.recurrentActivation, known);
  if (reason !== undefined) return reason;
  for (const weight of [cell.kernel, cell.recurrentKernel, cell.bias]) {
    const constraint = weight && refuseConstraint(constraintOf(weight));
    if (constraint) return constraint;
  }
  return undefined;
}

/**
 * Writes a recurrent layer's forward part.
 * @param inputs the sequences [steps, features], and the initial states [units] if it is given some
 * @returns further outputs are the states after the last step
 */
export function lowerRecurrent(
  layer: Recurrent,
  inputs: readonly Value[],
  tape: Tape,
  wanted: readonly boolean[],
  mask: Value | undefined,
): Lowered {
  const { cell, returnSequences, goBackwards, stateful } = layer;
  if (stateful && !tape.training)
    throw new Uncompilable(nameOf(layer), 'its state goes on with each prediction');
  const kind = kinds[cell.getClassName()] as Kind;
  const [data, ...initial] = inputs as [Value, ...Value[]];
  const [, steps, depth] = data.dims as [number, number, number];
  const { units } = cell;
  // Penalties of a cell's regularizers do not reach upstream's loss.
  const [kernel, recurrentKernel] = [tape.parameter(cell.kernel), tape.parameter(cell.recurrentKernel)];
  const bias = cell.bias ? tape.parameter(cell.bias) : undefined;
  // One mask for all steps.
  const factors = (shape: readonly number[], rate: number): Value | undefined =>
    tape.training && rate > 0 && rate < 1 ? dropoutMask(tape, shape, rate, 1 / (1 - rate)) : undefined;
  const dropout = factors([1, depth], cell.dropout);
  const recurrentDropout = factors([units], cell.recurrentDropout);
  const e = new Elementwise(tape);
  const x = dropout ? e.multiply(data, dropout) : data;
  const params = {
    activation: codeOf(cell.activation),
    recurrentActivation: codeOf(cell.recurrentActivation),
    returnSequences: Number(returnSequences),
    goBackwards: Number(goBackwards),
  };
  const whole = { micro: 'never' as const };
  const output = tape.value(returnSequences ? [steps, units] : [units]);
  const workspace = tape.training ? tape.value([kind.workspace(steps, units)]) : undefined;
  const more = Array.from({ length: kind.states }, () => tape.value([units]));
  const from = [x, kernel.value, recurrentKernel.value, bias?.value, mask, recurrentDropout];
  const kept = stateful ? more.map((_, i) => tape.state(layer as State['layer'], i, units)) : [];
  const states = more.map((_, i) => initial[i] ?? kept[i]);
  tape.call(kind.op, [...from, ...states], [output, workspace, ...more], params, whole);
  for (const [i, state] of kept.entries()) tape.closingCall('Concat', [more[i]], [state], {});
  return {
    output,
    more,
    backward(dy, dmore = []) {
      const [dx, ...dinitial] = inputs.map(({ dims }, i) =>
        wanted[i] ? tape.value(dims.slice(1)) : undefined,
      );
      const gradients = [dx, kernel.gradient, recurrentKernel.gradient, bias?.gradient];
      const outputs = [...gradients, ...more.map((_, i) => dinitial[i])];
      if (outputs.every((gradient) => gradient === undefined)) return outputs;
      const dstates = more.map((_, i) => dmore[i]);
      const given = [dy, x, kernel.value, recurrentKernel.value, workspace, mask];
      tape.call(kind.gradient, [...given, recurrentDropout, ...dstates], outputs, params, whole);
      return [dx && dropout ? e.multiply(dx, dropout) : dx, ...dinitial];
    },
  };
}

function recurrent(probe: () => Layer): LayerRule {
  return {
    probe,
    refuse: refuseRecurrent,
    masked: true,
    keepsMask: (layer) => (layer as unknown as Recurrent).returnSequences,
    lower: ({ layers: [layer] }, inputs, tape, wanted, mask) =>
      lowerRecurrent(layer as unknown as Recurrent, inputs, tape, wanted, mask),
  };
}

export const simpleRNN = recurrent(() => layers.simpleRNN({ units: 1 }));
export const gru = recurrent(() => layers.gru({ units: 1 }));
export const lstm = recurrent(() => layers.lstm({ units: 1 }));
export const rnn = recurrent(() => layers.rnn({ cell: layers.lstmCell({ units: 1 }) }) as Layer);

interface Bidirectional {
  readonly forwardLayer: Recurrent;
  readonly backwardLayer: Recurrent;
  readonly mergeMode: 'concat' | 'sum' | 'ave' | 'mul' | null;
  readonly returnSequences: boolean;
  readonly returnState: boolean;
}

/** The layer's own classes that Bidirectional may have made again. */
const recurrentClasses = ['SimpleRNN', 'GRU', 'LSTM', 'RNN'];

export const bidirectional: LayerRule = {
  probe: () =>
    layers.bidirectional({ layer: layers.lstm({ units: 1 }) } as Parameters<typeof layers.bidirectional>[0]),
  masked: true,
  keepsMask: (layer) => (layer as unknown as Bidirectional).returnSequences,
  refuse(layer) {
    const both = layer as unknown as Bidirectional;
    for (const one of [both.forwardLayer, both.backwardLayer]) {
      if (!recurrentClasses.includes(one.getClassName()) || isAltered(one))
        return `it is over ${one.name} (${one.getClassName()})`;
      const reason = refuseRecurrent(one);
      if (reason !== undefined) return reason;
    }
    return undefined;
  },
  lower({ layers: [layer] }, inputs, tape, wanted, mask) {
    const { forwardLayer, backwardLayer, mergeMode, returnSequences, returnState } =
      layer as unknown as Bidirectional;
    const [x, ...initial] = inputs as [Value, ...Value[]];
    const half = initial.length / 2;
    const of = (one: Recurrent, begin: number): Lowered =>
      lowerRecurrent(
        one,
        [x, ...initial.slice(begin, begin + half)],
        tape,
        [wanted[0] as boolean, ...wanted.slice(1 + begin, 1 + begin + half)],
        mask,
      );
    const there = of(forwardLayer, 0);
    const back = of(backwardLayer, half);
    const e = new Elementwise(tape);
    const turn = (value: Value): Value => {
      if (!returnSequences) return value;
      const turned = tape.value(value.dims.slice(1));
      tape.call('Reverse', [value], [turned], { axes: 2 });
      return turned;
    };
    const [y, yBack] = [there.output, turn(back.output)];
    const { output, second, backward } = merge(tape, e, mergeMode, y, yBack);
    const states = returnState ? [...(there.more ?? []), ...(back.more ?? [])] : [];
    const count = states.length / 2;
    return {
      output,
      more: second ? [second, ...states] : states,
      backward(dy, dmore = []) {
        const first = second ? 1 : 0;
        const dstates = states.map((_, i) => dmore[first + i]);
        const [dThere, dBack] = second ? [dy, dmore[0]] : backward(dy);
        const [dx, ...dinitial] = there.backward(dThere as Value, dstates.slice(0, count));
        const turned = dBack && turn(dBack);
        const [dxBack, ...dinitialBack] = back.backward(turned as Value, dstates.slice(count));
        const sum = dx && dxBack ? e.add(dx, dxBack) : dx;
        return [sum, ...dinitial, ...dinitialBack];
      },
    };
  },
};

/** Puts the results of both directions together; `second` is what is not part of `output`. */
function merge(
  tape: Tape,
  e: Elementwise,
  mode: Bidirectional['mergeMode'],
  y: Value,
  yBack: Value,
): { output: Value; second?: Value; backward(dy: Value): [Value, Value] } {
  if (mode === null) return { output: y, second: yBack, backward: (dy) => [dy, dy] };
  if (mode === 'sum') return { output: e.add(y, yBack), backward: (dy) => [dy, dy] };
  if (mode === 'mul')
    return { output: e.multiply(y, yBack), backward: (dy) => [e.multiply(dy, yBack), e.multiply(dy, y)] };
  if (mode === 'ave') {
    const backward = (dy: Value): [Value, Value] => {
      const half = e.multiply(dy, 0.5);
      return [half, half];
    };
    return { output: e.multiply(e.add(y, yBack), 0.5), backward };
  }
  const { output, backward } = join(tape, [y, yBack], y.dims.length - 1, [true, true]);
  return { output, backward: (dy) => backward(dy) as [Value, Value] };
}
