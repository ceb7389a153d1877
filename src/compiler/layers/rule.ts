/** What the compiler has to know of a class of layers. */
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Step } from '../fuse';
import type { Tape, Value } from '../tape';

/** The forward part of a step has been written; this is how to go on. */
export interface Lowered {
  readonly output: Value;
  /** The mask that a layer makes for its output, [batch, steps]: 1 where a step counts. */
  readonly mask?: Value;
  /** A layer's outputs after the first. */
  readonly more?: readonly Value[];
  /**
   * Writes the backward part.
   * @param dy the gradient of `output`
   * @param dmore those of `more`; undefined where nobody uses one
   * @returns the gradient of each input; undefined where `wanted` was false
   */
  backward(dy: Value, dmore?: readonly (Value | undefined)[]): readonly (Value | undefined)[];
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
   * @param mask [batch, steps], for a layer that {@link masked} is set for: 0 where a step of the first input does not
   *   count, 1 where it does; undefined if all count
   */
  lower(step: Step, inputs: readonly Value[], tape: Tape, wanted: readonly boolean[], mask?: Value): Lowered;
  /** Whether the layer looks at the mask of its input. */
  readonly masked?: boolean;
  /** For a layer that supports masking, whether its output has the mask of its one input; it has by default. */
  keepsMask?(layer: Layer): boolean;
}
