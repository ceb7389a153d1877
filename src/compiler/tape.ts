/** The program of a training step while it is being written: values, and the calls of native ops that compute them. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import type { NativeDType } from '../backend/storage';
import type { PlanOp, PlanOpParams } from './ops';

/** Where a value lies: as `Place` of native/plan/plan.h. */
export type Place = 'scratch' | 'arena' | 'slice' | 'thread' | 'external';

/** Memory of one value; several values may be views of it. */
export interface Memory {
  /** Per sample for what is computed from the batch, else in all. */
  readonly bytes: number;
  readonly perSample: boolean;
  /** Whether it holds the data itself, of which many elements may be zero. */
  readonly given?: boolean;
  /** Set by the planning of memory. */
  place?: Place;
  offset?: number;
}

/** A tensor of the step. */
export interface Value {
  readonly memory: Memory;
  readonly dtype: NativeDType;
  /** The shape for one sample: in dimension `batchDim` those of the batch lie one behind the other. */
  readonly dims: readonly number[];
  /** Undefined for what the batch has only once, such as weights. */
  readonly batchDim: number | undefined;
}

export interface Call {
  readonly op: PlanOp;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly (Value | undefined)[];
  readonly params: Readonly<Record<string, number>>;
  /** Whether it must, may, or must not run micro-batch by micro-batch. */
  readonly micro: Micro;
  /** The number of its stream of random numbers. */
  readonly random?: number;
  /** Whether its one output is sooner computed again than read from memory. */
  readonly cheap?: boolean;
}

/**
 * `always`: on one thread for each micro-batch; `never`: on the whole batch at once; `where`: wherever its neighbours
 * run.
 */
export type Micro = 'always' | 'never' | 'where';

/** A weight of the model. */
export interface Parameter {
  readonly variable: LayerVariable;
  readonly value: Value;
  /** What one use of it adds to its gradient; undefined for one that is not trained. */
  readonly gradient: Value | undefined;
  /** The same of all its uses. */
  readonly gradients: Value[];
  /** Factors of its penalty: each use adds it again, as upstream does. */
  l1: number;
  l2: number;
}

/** One of a stateful layer's states, [batch, units]. */
export interface State {
  /** As upstream keeps them. */
  readonly layer: { states_: Tensor[] };
  readonly index: number;
  readonly value: Value;
}

/** How many elements a sample has. */
export function sizeOf({ dims }: Pick<Value, 'dims'>): number {
  return dims.reduce((size, length) => size * length, 1);
}

const bytesOf = { float32: 4, int32: 4, bool: 1 } as const;

/** Of an op that takes any number of them: a plan's call has room for 32 tensors. */
export const mostInputs = 16;

/** Weights up to this many bytes stay in a core's cache beside a micro-batch. */
export const smallWeights = 128 * 1024;

/** Writes the program of one step: of training, or a forward pass alone. */
export class Tape {
  readonly calls: Call[] = [];
  /** What is made of the weights once a step, before anything else. */
  readonly preparations: Call[] = [];
  /** What each thread makes of the weights once a step, before its first micro-batch. */
  readonly threadPreparations: Call[] = [];
  /** What is done once the loss of a step has been found finite, after the optimizer's step. */
  readonly closings: Call[] = [];
  readonly parameters: Parameter[] = [];
  /** What layers hand on from batch to batch. */
  readonly states: State[] = [];
  readonly #parameterOf = new Map<LayerVariable, Parameter>();
  /** The sums of each trained weight's gradient come last: nothing waits for them. */
  readonly #gradientCalls: Call[] = [];
  #streams = 0;
  #samples = 1;

  /**
   * @param training whether layers compute what they do in training
   * @param norms the batch normalisations that are part of the weights of layers before them
   */
  constructor(
    readonly trained: ReadonlySet<LayerVariable>,
    readonly training: boolean,
    readonly norms: ReadonlyMap<unknown, unknown> = new Map(),
  ) {}

  /** How many samples of a layer are in one of the batch: several in a layer that is applied to each step. */
  get samples(): number {
    return this.#samples;
  }

  /** Runs `write` with so many {@link samples}. */
  withSamples<T>(samples: number, write: () => T): T {
    const before = this.#samples;
    this.#samples = samples;
    try {
      return write();
    } finally {
      this.#samples = before;
    }
  }

  /** A value of [samples of the batch, …shape]. */
  value(shape: readonly number[], dtype: NativeDType = 'float32'): Value {
    return this.like({ dims: [this.#samples, ...shape] }, dtype);
  }

  /** A value of the same dimensions, of which the batch's is the first. */
  like({ dims }: Pick<Value, 'dims'>, dtype: NativeDType = 'float32'): Value {
    return {
      memory: { bytes: sizeOf({ dims }) * bytesOf[dtype], perSample: true },
      dtype,
      dims,
      batchDim: 0,
    };
  }

  /** A value that is gathered from the data. */
  given(shape: readonly number[], dtype: NativeDType = 'float32'): Value {
    const value = this.value(shape, dtype);
    return { ...value, memory: { ...value.memory, given: true } };
  }

  /** The same values under another shape, for one sample. */
  view({ memory, dtype, batchDim }: Value, dims: readonly number[], dimension = batchDim): Value {
    return { memory, dtype, dims, batchDim: dimension };
  }

  /** A value that the batch has once. */
  once(dims: readonly number[]): Value {
    return {
      memory: { bytes: sizeOf({ dims }) * 4, perSample: false },
      dtype: 'float32',
      dims,
      batchDim: undefined,
    };
  }

  /** One use of a weight, which is trained if the model trains it. */
  parameter(variable: LayerVariable, { l1 = 0, l2 = 0 } = {}): Parameter {
    const dims = variable.shape as number[];
    const gradient = this.trained.has(variable) ? this.once(dims) : undefined;
    const known = this.#parameterOf.get(variable);
    if (known) {
      if (gradient) known.gradients.push(gradient);
      known.l1 += l1;
      known.l2 += l2;
      return { ...known, gradient };
    }
    const gradients = gradient ? [gradient] : [];
    const parameter = { variable, value: this.once(dims), gradient, gradients, l1, l2 };
    this.parameters.push(parameter);
    this.#parameterOf.set(variable, parameter);
    return parameter;
  }

  /**
   * Weights in another form, made once for each step.
   * @param by who makes them; what each thread makes may be read by micro-batches alone
   */
  prepared<Name extends PlanOp>(
    op: Name,
    inputs: Call['inputs'],
    dims: readonly number[],
    params: PlanOpParams[Name],
    by: 'all threads together' | 'each thread' = 'all threads together',
  ): Value {
    const output = this.once(dims);
    const preparations = by === 'each thread' ? this.threadPreparations : this.preparations;
    preparations.push({ op, inputs, outputs: [output], params, micro: 'never' });
    return output;
  }

  /** A state of a layer, which keeps its values from step to step. */
  state(layer: State['layer'], index: number, units: number): Value {
    const value = this.value([units]);
    this.states.push({ layer, index, value });
    return value;
  }

  /** The number of a new stream of random numbers. */
  stream(): number {
    return this.#streams++;
  }

  call<Name extends PlanOp>(
    op: Name,
    inputs: Call['inputs'],
    outputs: Call['outputs'],
    params: PlanOpParams[Name],
    options: { micro?: Micro; random?: number; cheap?: boolean } = {},
  ): void {
    this.calls.push({ op, inputs, outputs, params, micro: 'where', ...options });
  }

  /** As {@link call}, for one that only makes gradients of weights. */
  gradientCall<Name extends PlanOp>(
    op: Name,
    inputs: Call['inputs'],
    outputs: Call['outputs'],
    params: PlanOpParams[Name],
    micro: Micro,
  ): void {
    const call = { op, inputs, outputs, params, micro };
    if (micro === 'never') this.#gradientCalls.push(call);
    else this.calls.push(call);
  }

  /** As {@link call}, for what changes the model's state: a step whose loss is not finite leaves that as it was. */
  closingCall<Name extends PlanOp>(
    op: Name,
    inputs: Call['inputs'],
    outputs: Call['outputs'],
    params: PlanOpParams[Name],
  ): void {
    this.closings.push({ op, inputs, outputs, params, micro: 'never' });
  }

  /** Ends the program. */
  finish(): void {
    this.calls.push(...this.#gradientCalls.splice(0));
  }
}
