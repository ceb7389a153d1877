/** Tells how a model trains. */
import { engine } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { nativeError } from '../errors';
import type { Step } from './fuse';
import { inspect } from './index';
import type { Program } from './lower';
import { schedule } from './schedule';

function namesOf({ layers }: Step): string {
  return layers.map(({ name }) => name).join(' + ');
}

function lineOf(step: Step, program: Program): string {
  const calls = program.forward.get(step);
  if (calls === undefined) return `${namesOf(step)}: input`;
  const ops = calls.map(({ op }) => op).join(', ') || 'no work, the same values';
  const fused = step.layers.slice(1).map(({ name }) => name);
  const with_ = program.logits.has(step)
    ? `, ${step.activation} computed with the loss`
    : step.activation === 'linear'
      ? ''
      : `, with ${step.activation}`;
  const segments = schedule(program.tape);
  const kinds = segments.filter((segment) => calls.some((call) => segment.calls.includes(call)));
  const micro = kinds.some((segment) => segment.micro);
  const mixed = micro && kinds.some((segment) => !segment.micro);
  const how =
    calls.length === 0
      ? ''
      : `; ${micro ? 'a few samples at a time, in cache' : 'the whole batch at once'}${mixed ? ', but for sums over the batch' : ''}`;
  return `${namesOf(step)}: ${ops}${with_}${fused.length > 0 ? ' (fused)' : ''}${how}`;
}

/**
 * How a model trains, a line a layer: which native op computes it, what is fused with it, and whether it runs a few
 * samples at a time or on the whole batch. A model that leaves lengths to the data is told of for those that it trained on
 * last, or for lengths of 16. For a model that trains op by op, one line that says why.
 * Where the backend is not `native`, a first line says so: there all models train op by op.
 * @param model compiled with `model.compile`
 * @throws TfjsNativeError INVALID_ARGUMENT for one that is not
 */
export function explain(model: LayersModel): string {
  if (model.optimizer == null) {
    throw nativeError('INVALID_ARGUMENT', 'model', model.name, 'a model that `compile` was called on');
  }
  const { backendName } = engine();
  const elsewhere =
    backendName === 'native' ? '' : `Trains op by op on the backend "${backendName}". On "native":\n`;
  return elsewhere + nativeWay(model);
}

function nativeWay(model: LayersModel): string {
  const { steps, program, failure, shapes } = inspect(model);
  if (steps === undefined || program === undefined)
    return `Trains op by op, not compiled: ${failure?.message}.`;
  const lines = steps.steps.map((step) => lineOf(step, program));
  if (shapes) {
    const listed = shapes.map((shape) => `[${shape}]`).join(', ');
    lines.unshift(`Compiled for the lengths of the data; here for an input of shape ${listed}:`);
  }
  return lines.join('\n');
}
