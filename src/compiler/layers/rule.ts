/** What the compiler has to know of a class of layers. */
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Step } from '../fuse';
import type { Tape, Value } from '../tape';

/** The forward part of a step has been written; this is how to go on. */
export interface Lowered {
  readonly output: Value;
  /**
   * Writes the backward part.
   * @param dy the gradient of `output`
   * @returns the gradient of each input; undefined where `wanted` was false
   */
  backward(dy: Value): readonly (Value | undefined)[];
}

/** The rule for one class of layers. */
export interface LayerRule {
  /** Makes any layer of that class. */
  probe(): Layer;
  /** Why a layer of that class cannot be compiled, if it cannot. */
  refuse?(layer: Layer): string | undefined;
  /** The name of the activation that it ends with, if it may have one. */
  activation?(layer: Layer): string;
  /** For a layer that hands its values through in training, under another shape perhaps. */
  readonly reshapes?: boolean;
  /**
   * Writes the forward part.
   * @param wanted whether each input's gradient will be asked for
   */
  lower(step: Step, inputs: readonly Value[], tape: Tape, wanted: readonly boolean[]): Lowered;
}
