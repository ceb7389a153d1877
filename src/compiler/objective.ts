/** What a model was compiled with (`model.compile`): losses and metrics by name, or the functions of tf.metrics and tf.losses. */
import { type LayersModel, metrics as metricFunctions } from '@tensorflow/tfjs-layers';
import { batchMetrics } from './batch_metrics';
import { coreLosses } from './core_losses';
import type { Step } from './fuse';
import { lossWeights } from './loss_weights';
import { type Loss, losses, type Metric, metricName, metrics } from './losses';
import { Uncompilable } from './trace';

const all: Readonly<Record<string, Metric>> = { ...metrics, ...batchMetrics };

const namesOfFunctions = new Map<unknown, string>(
  Object.entries(metricFunctions).map(([name, metric]) => [metric, name]),
);

/** What is computed of one output of the model. */
export interface Objective {
  readonly loss: Loss;
  /** Whether the loss is one number of the whole batch, which cannot be weighted by samples. */
  readonly single: boolean;
  /** Of the loss in the sum of all outputs'. */
  readonly weight: number;
  /** Each with its place among the numbers of a step. */
  readonly metrics: readonly { readonly metric: Metric; readonly to: number }[];
}

/** One entry of `loss` or `metrics` for each output: of a list, of a map by the outputs' names, or one for all. */
function perOutput(what: unknown, names: readonly string[]): readonly unknown[] {
  if (Array.isArray(what)) return what as unknown[];
  if (typeof what !== 'object' || what === null) return names.map(() => what);
  return names.map((name) => (what as Record<string, unknown>)[name]);
}

function metricsOf(model: LayersModel): readonly (readonly unknown[])[] {
  const { metrics: asked } = model as unknown as { metrics: unknown };
  const names = model.outputNames;
  if (asked == null) return names.map(() => []);
  // A list holds for every output.
  const each = Array.isArray(asked) ? names.map(() => asked as unknown[]) : perOutput(asked, names);
  return each.map((some) => (some === undefined ? [] : Array.isArray(some) ? (some as unknown[]) : [some]));
}

/**
 * The objective of each output.
 * @throws Uncompilable for losses and metrics without a compiled form, functions among them
 */
export function objectives(model: LayersModel, outputs: readonly Step[]): Objective[] {
  const names = perOutput(model.loss, model.outputNames);
  const asked = metricsOf(model);
  const weights = lossWeights(model);
  // With several outputs the loss of each comes before the metrics.
  let to = outputs.length > 1 ? 1 + outputs.length : 1;
  return outputs.map((output, i) => {
    const given = names[i];
    const single = coreLosses.get(given);
    const name = typeof given === 'string' ? given : (namesOfFunctions.get(given) ?? 'function');
    if (typeof given !== 'string' && single === undefined && !namesOfFunctions.has(given))
      throw new Uncompilable('loss', 'functions of the program’s own have no compiled form');
    const loss = single ?? (Object.hasOwn(losses, name) ? losses[name] : undefined);
    if (loss === undefined) throw new Uncompilable(`loss ${name}`, 'there is no compiled form of it');
    if (output.shape.length === 0)
      throw new Uncompilable(`loss ${name}`, 'of outputs of rank 1 has no compiled form');
    const sparse = loss.target(output.shape).dtype === 'int32';
    const list = (asked[i] ?? []).map((metricOrName) => {
      const each = typeof metricOrName === 'string' ? metricOrName : namesOfFunctions.get(metricOrName);
      if (each === undefined)
        throw new Uncompilable('metrics', 'functions of the program’s own have no compiled form');
      const known = metricName(each, typeof given === 'string' ? given : '', output);
      const metric = Object.hasOwn(all, known) ? all[known] : undefined;
      if (metric === undefined) throw new Uncompilable(`metric ${each}`, 'there is no compiled form of it');
      if (metric.sparse !== sparse && !(sparse && output.shape.at(-1) === 1))
        throw new Uncompilable(`metric ${each}`, `it takes other labels than the loss ${name}`);
      return { metric, to: to++ };
    });
    return { loss, single: single !== undefined, weight: weights[i] as number, metrics: list };
  });
}
