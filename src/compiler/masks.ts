/** Masks of steps of sequences, as upstream's `execute` hands them from layer to layer. */
import type { Step } from './fuse';
import { nameOf, Uncompilable } from './trace';
import type { Value } from './tape';

/** The mask of each step's output: [batch, steps], 1 where a step counts. */
export class Masks {
  readonly #of = new Map<Step, Value | 'several'>();

  /** @param nested whether there are models among the layers, at whose borders upstream drops masks */
  constructor(readonly nested: boolean) {}

  /**
   * The mask that a layer looks at.
   * @throws Uncompilable where upstream combines masks, drops them, or takes one of another branch of the graph
   */
  read(step: Step): Value | undefined {
    if (!step.rule?.masked || this.#of.size === 0) return undefined;
    const mask = this.#of.get(step.inputs[0] as Step);
    if (mask === undefined || mask === 'several' || this.nested)
      throw new Uncompilable(
        nameOf(step.layers[0] as Step['layers'][0]),
        'its mask is not that of its input alone',
      );
    return mask;
  }

  /** @param own the mask that the step makes for its output, if it does */
  write(step: Step, own: Value | undefined): void {
    const [layer] = step.layers;
    if (layer === undefined || step.rule === undefined) return;
    if (own) {
      this.#of.set(step, own);
      return;
    }
    const given = step.inputs.flatMap((input) => this.#of.get(input) ?? []);
    const [mask] = given;
    const kept = step.layers.every(({ supportsMasking }) => supportsMasking);
    if (mask === undefined || !kept || step.rule.keepsMask?.(layer) === false) return;
    this.#of.set(step, step.inputs.length === 1 ? mask : 'several');
  }
}
