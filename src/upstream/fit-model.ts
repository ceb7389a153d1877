/** The members of upstream's LayersModel that training uses: private or protected there, stable since 1.0. */
import { engine, type Scalar, type Tensor, tensor_util } from '@tensorflow/tfjs-core';
import { LayersModel, type LayerVariable } from '@tensorflow/tfjs-layers';
import type { TrainOnBatchArgs } from './fit-arguments';

/** Computes losses and metrics of a batch: inputs, targets and sample weights in one list. */
export type StepFunction = (batch: (Tensor | null)[]) => Scalar[];

/** A tensor or several, by position or by name. */
export type TensorLike = Tensor | Tensor[] | Record<string, Tensor>;

export interface TrainedModel extends Omit<LayersModel, 'isTraining' | 'trainOnBatch'> {
  isTraining: boolean;
  testFunction: StepFunction;
  collectedTrainableWeights: LayerVariable[];
  standardizeUserData(
    x: TensorLike,
    y: TensorLike,
    sampleWeight?: unknown,
    classWeight?: unknown,
    checkBatchAxis?: boolean,
    batchSize?: number,
  ): Promise<[Tensor[], Tensor[], (Tensor | null)[] | null]>;
  standardizeUserDataXY(
    x: TensorLike,
    y: TensorLike,
    checkBatchAxis?: boolean,
    batchSize?: number,
  ): [Tensor[], Tensor[]];
  makeTrainFunction(): StepFunction;
  makeTestFunction(): StepFunction;
  getDedupedMetricsNames(): string[];
  testLoop(f: StepFunction, ins: Tensor[], batchSize: number, verbose?: number, steps?: number): Scalar[];
  predictLoop(ins: Tensor | Tensor[], batchSize?: number, verbose?: boolean): Tensor | Tensor[];
  trainOnBatch(x: TensorLike, y: TensorLike, args?: TrainOnBatchArgs): Promise<number | number[]>;
}

const methods = [
  'fit',
  'fitLoop',
  'fitDataset',
  'trainOnBatch',
  'standardizeUserData',
  'makeTrainFunction',
  'makeTestFunction',
  'predictLoop',
  'testLoop',
] as const;

/** Upstream's own methods, as they were before any of ours took their place. */
export const upstream = Object.fromEntries(
  methods.map((name) => [name, LayersModel.prototype[name as never]]),
) as unknown as Pick<TrainedModel, (typeof methods)[number]>;

/** Puts methods of ours in the place of upstream's; on other backends upstream's own run. */
export function replaceMethods(
  methods: Partial<{ [Name in keyof typeof upstream]: (this: TrainedModel, ...args: never[]) => unknown }>,
): void {
  for (const [name, ours] of Object.entries(methods)) {
    const theirs = upstream[name as keyof typeof upstream] as (...args: unknown[]) => unknown;
    Object.defineProperty(LayersModel.prototype, name, {
      configurable: true,
      writable: true,
      value(this: TrainedModel, ...args: never[]) {
        return (engine().backendName === 'native' ? ours : theirs).apply(this, args);
      },
    });
  }
}

/** Disposes of the tensors that upstream made while it standardised what the user gave. */
export function disposeMade(tensors: readonly Tensor[], given: TensorLike): void {
  const users = new Set(tensor_util.getTensorsInContainer(given as never).map(({ id }) => id));
  for (const tensor of tensors) if (!users.has(tensor.id)) tensor.dispose();
}
