/** What a model was compiled with (`model.compile`): losses and metrics by name. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Step } from './fuse';
import { accuracies, accuracyFor, type Loss, losses } from './losses';
import { Uncompilable } from './trace';

/** What is computed of one output of the model. */
export interface Objective {
  readonly loss: Loss;
  /** Names of accuracies or losses, and where each one stands among the numbers of a step. */
  readonly metrics: readonly { readonly name: string; readonly to: number }[];
}

const isAccuracy = (name: unknown): boolean => name === 'accuracy' || name === 'acc';

/** One entry of `loss` or `metrics` for each output: of a list, of a map by the outputs' names, or one for all. */
function perOutput(what: unknown, names: readonly string[]): readonly unknown[] {
  if (Array.isArray(what)) return what as unknown[];
  if (typeof what !== 'object' || what === null) return names.map(() => what);
  return names.map((name) => (what as Record<string, unknown>)[name]);
}

function metricsOf(model: LayersModel): readonly (readonly unknown[])[] {
  const { metrics } = model as unknown as { metrics: unknown };
  const names = model.outputNames;
  if (metrics == null) return names.map(() => []);
  // A list holds for every output.
  const each = Array.isArray(metrics) ? names.map(() => metrics as unknown[]) : perOutput(metrics, names);
  return each.map((some) => (some === undefined ? [] : Array.isArray(some) ? (some as unknown[]) : [some]));
}

/**
 * The objective of each output.
 * @throws Uncompilable for losses and metrics without a compiled form, functions among them
 */
export function objectives(model: LayersModel, outputs: readonly Step[]): Objective[] {
  const names = perOutput(model.loss, model.outputNames);
  const metrics = metricsOf(model);
  // With several outputs the loss of each comes before the metrics.
  let to = outputs.length > 1 ? 1 + outputs.length : 1;
  return outputs.map((output, i) => {
    const name = names[i];
    if (typeof name !== 'string')
      throw new Uncompilable('loss', 'functions of the program’s own have no compiled form');
    const loss = Object.hasOwn(losses, name) ? losses[name] : undefined;
    if (loss === undefined) throw new Uncompilable(`loss ${name}`, 'there is no compiled form of it');
    if (output.shape.length !== 1 && !['meanSquaredError', 'binaryCrossentropy'].includes(name)) {
      throw new Uncompilable(
        `loss ${name}`,
        `of outputs of rank ${output.shape.length + 1} has no compiled form`,
      );
    }
    if (!loss.probabilities && output.activation !== loss.logits) {
      throw new Uncompilable(`loss ${name}`, `it is compiled only behind a ${loss.logits}`);
    }
    const list = (metrics[i] ?? []).map((metric) => {
      if (typeof metric !== 'string') throw new Uncompilable('metrics', 'functions have no compiled form');
      const known = isAccuracy(metric) ? accuracyFor(name, output) : metric;
      if (!Object.hasOwn(accuracies, known))
        throw new Uncompilable(`metric ${metric}`, 'there is no compiled form of it');
      return { name: known, to: to++ };
    });
    return { loss, metrics: list };
  });
}
