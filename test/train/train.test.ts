import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import * as tf from 'tfjs-native';
import { batches, type ImageDataset, splitValidation } from 'tfjs-native/data';
import { buildModel, mnistCnn } from 'tfjs-native/models';
import {
  type Evaluation,
  evaluateModel,
  train,
  type TrainEvent,
  type TrainOptions,
  type TrainResult,
} from 'tfjs-native/train';
import { temporaryFolder } from '../data/idx-files';
import { runFiles, smallData } from './small-data';

interface Trained {
  result: TrainResult;
  events: TrainEvent[];
  weights: string;
}

/** Tells whether weights are the same to the bit. */
function digest(model: tf.LayersModel): string {
  const hash = createHash('sha256');
  for (const weight of model.getWeights()) hash.update(weight.dataSync());
  return hash.digest('hex');
}

function disposeModel(model: tf.LayersModel): void {
  model.optimizer.dispose();
  model.dispose();
}

/** 36 images to train with, 4 to validate, 10 to test: 5 steps an epoch. */
async function trainSmall(options: TrainOptions = {}): Promise<Trained> {
  const events: TrainEvent[] = [];
  const result = await train({
    data: await smallData(40, 10),
    epochs: 2,
    batch: 8,
    out: join(temporaryFolder(), 'model'),
    ...options,
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  const weights = digest(result.model);
  disposeModel(result.model);
  return { result, events, weights };
}

async function failure(options: TrainOptions): Promise<{ error: tf.TfjsNativeError; events: TrainEvent[] }> {
  const events: TrainEvent[] = [];
  const onEvent = (event: TrainEvent) => {
    events.push(event);
    options.onEvent?.(event);
  };
  const error = await trainSmall({ ...options, onEvent }).then(
    () => expect.fail('training should have failed'),
    (thrown: unknown) => thrown as tf.TfjsNativeError,
  );
  return { error, events };
}

const withoutTime = (events: readonly TrainEvent[]) =>
  events.map((event) => (event.event === 'epoch' ? { ...event, seconds: 0 } : event));

async function savedWeights(folder: string): Promise<string> {
  const model = await tf.loadLayersModel(`file://${folder}/model.json`);
  const weights = digest(model);
  disposeModel(model);
  return weights;
}

/** The weights after some steps of plain tf.layers code. */
async function weightsAfter(steps: number): Promise<string> {
  const { train } = splitValidation((await smallData(40, 10)).train, 0.1);
  const model = mnistCnn({ seed: 1 });
  await model.fitDataset(batches(train, { batch: 8, seed: 1 }), {
    epochs: 1,
    batchesPerEpoch: steps,
    verbose: 0,
  });
  const weights = digest(model);
  disposeModel(model);
  return weights;
}

/** Mean cross-entropy and accuracy, by hand and in double precision from the model's probabilities. */
function measured(model: tf.LayersModel, { images, labels, count }: ImageDataset<Uint8Array>) {
  const pixels = Float32Array.from(images, (value) => value / 255);
  const probabilities = tf.tidy(() => model.predict(tf.tensor4d(pixels, [count, 28, 28, 1])) as tf.Tensor2D);
  const rows = probabilities.arraySync();
  probabilities.dispose();
  let loss = 0;
  let right = 0;
  rows.forEach((row, i) => {
    const label = labels[i] as number;
    loss -= Math.log(row[label] as number) / count;
    if (row.indexOf(Math.max(...row)) === label) right++;
  });
  return { loss, accuracy: right / count };
}

describe('train', () => {
  test('learns to tell digits, and what it saves is what it trained', async () => {
    const data = await smallData(3000, 500);
    const out = join(temporaryFolder(), 'a', 'b');
    const tensors = tf.memory().numTensors;
    const events: TrainEvent[] = [];
    const result = await train({ data, epochs: 2, out, onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ folder: out, stopped: false, steps: 2 * 85, backend: 'native' });
    expect(result.test?.accuracy).toBeGreaterThan(0.9);
    expect(result.isa).toBe(tf.info().isa);
    expect(result.seconds).toBeGreaterThan(0);

    const { validation } = splitValidation(data.train, 0.1);
    const last = events.at(-1);
    if (last?.event !== 'epoch') return expect.fail('the last event is that of an epoch');
    const onValidation = measured(result.model, validation);
    expect(last.valLoss).toBeCloseTo(onValidation.loss, 5);
    expect(last.valAccuracy).toBe(onValidation.accuracy);
    const onTest = measured(result.model, data.test);
    expect(result.test?.loss).toBeCloseTo(onTest.loss, 5);
    expect(result.test?.accuracy).toBe(onTest.accuracy);

    expect(readdirSync(out).sort()).toEqual(runFiles);
    expect(await evaluateModel(out, data.test)).toMatchObject(result.test as Evaluation);
    const loaded = await tf.loadLayersModel(`file://${out}/model.json`);
    expect(digest(loaded)).toBe(digest(result.model));
    const state = async ({ optimizer }: tf.LayersModel) =>
      (await optimizer.getWeights()).map(({ name, tensor }) => {
        const values = [name, [...tensor.dataSync()]];
        if (name === 'iter') tensor.dispose();
        return values;
      });
    const found = await state(loaded);
    expect(found.length).toBeGreaterThan(12);
    expect(found).toEqual(await state(result.model));
    disposeModel(loaded);
    disposeModel(result.model);
    // Each save of an optimizer leaves its count of iterations, made by tfjs-core.
    expect(tf.memory().numTensors).toBe(tensors + 2);
  });

  test('takes the steps of plain tf.layers code and tells of each', async () => {
    const { events, weights, result } = await trainSmall();
    const data = await smallData(40, 10);
    const { train } = splitValidation(data.train, 0.1);
    const model = mnistCnn({ seed: 1 });
    const { history } = await model.fitDataset(batches(train, { batch: 8, seed: 1 }), {
      epochs: 2,
      verbose: 0,
    });
    expect(weights).toBe(digest(model));
    disposeModel(model);

    expect(events[0]).toEqual({
      event: 'start',
      model: 'mnist-cnn',
      images: 36,
      validationImages: 4,
      epochs: 2,
      steps: 5,
      epoch: 0,
      step: 0,
      imagesDone: 0,
    });
    const told = events.map((event) =>
      event.event === 'step' ? `${event.epoch}.${event.step}` : event.event,
    );
    const steps = (epoch: number) => [1, 2, 3, 4, 5].map((step) => `${epoch}.${step}`);
    expect(told).toEqual(['start', ...steps(1), 'epoch', ...steps(2), 'epoch']);
    expect(result.steps).toBe(10);
    const epochs = events.filter((event) => event.event === 'epoch');
    epochs.forEach((epoch, i) => {
      expect(epoch.epoch).toBe(i + 1);
      expect(epoch.loss).toBeCloseTo(history.loss?.[i] as number, 5);
      expect(epoch.accuracy).toBeCloseTo(history.acc?.[i] as number, 6);
      expect(epoch.seconds).toBeGreaterThan(0);
    });
    const lastStep = events.findLast((event) => event.event === 'step');
    expect(lastStep).toMatchObject({ images: 36, loss: epochs[1]?.loss, accuracy: epochs[1]?.accuracy });
  });

  test('spreads smoothed labels over all classes, as tf.layers code with such labels', async () => {
    const { weights } = await trainSmall({ labels: 'onehot', labelSmoothing: 0.2, epochs: 1 });
    const data = await smallData(40, 10);
    const { train: trained } = splitValidation(data.train, 0.1);
    const model = buildModel('mnist-cnn', { seed: 1, labels: 'onehot' });
    const source = batches(trained, { batch: 8, seed: 1 });
    const batch = await source.iterator();
    for (let step = 0; step < source.size; step++) {
      const { xs, ys } = (await batch.next()).value;
      const labels = [...ys.dataSync()];
      const smooth = labels.map((label) =>
        Array.from({ length: 10 }, (_, i) => Math.fround(i === label ? 1 - 0.2 + 0.02 : 0.02)),
      );
      const targets = tf.tensor2d(smooth);
      await model.trainOnBatch(xs, targets);
      tf.dispose([xs, ys, targets]);
    }
    expect(weights).toBe(digest(model));
    disposeModel(model);
  });

  test('weighs classes by their frequency, as tf.layers code that is given such weights', async () => {
    const data = await smallData(40, 10);
    const { train: trained } = splitValidation(data.train, 0.1);
    const { weights } = await trainSmall({ balancedWeights: true, epochs: 1 });
    const counts = Array.from({ length: 10 }, (_, k) => trained.labels.filter((label) => label === k).length);
    expect(Math.min(...counts)).toBeLessThan(Math.max(...counts));
    const present = counts.filter((count) => count > 0).length;
    const classWeight = Object.fromEntries(
      counts.map((count, k) => [k, count && trained.count / (present * count)]),
    );
    const model = mnistCnn({ seed: 1 });
    const source = batches(trained, { batch: 8, seed: 1 });
    await model.fitDataset(source, { epochs: 1, verbose: 0, classWeight });
    expect(weights).toBe(digest(model));
    expect(weights).not.toBe((await trainSmall({ epochs: 1 })).weights);
    disposeModel(model);
  });

  test('gives the same bits for the same seed, whatever else draws random numbers', async () => {
    const first = await trainSmall({ seed: 7 });
    Math.random();
    tf.randomNormal([5]).dispose();
    const second = await trainSmall({ seed: 7 });
    expect(second.weights).toEqual(first.weights);
    expect(withoutTime(second.events)).toEqual(withoutTime(first.events));
    expect(second.result.test).toEqual(first.result.test);
    const other = await trainSmall({ seed: 8 });
    expect(other.weights).not.toEqual(first.weights);
  });

  test('replaces the model of an earlier training', async () => {
    const out = temporaryFolder();
    await trainSmall({ out, epochs: 1, seed: 1 });
    const { weights } = await trainSmall({ out, epochs: 1, seed: 2 });
    expect(await savedWeights(out)).toEqual(weights);
  });
});

describe('early stopping', () => {
  /** Tensors of a file in the format safetensors: a header of JSON behind its length, then the values. */
  function safeTensors(file: string): Record<string, number[]> {
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
      string,
      { dtype: string; data_offsets: [number, number] }
    >;
    const { __metadata__: _, ...tensors } = header;
    const valuesOf = ({ dtype, data_offsets }: (typeof header)[string]): number[] => {
      expect(dtype).toBe('F32');
      const [from, to] = data_offsets.map((offset) => 8 + length + offset);
      return [...new Float32Array(Uint8Array.from(bytes.subarray(from, to)).buffer)];
    };
    return Object.fromEntries(Object.entries(tensors).map(([name, entry]) => [name, valuesOf(entry)]));
  }

  test('ends with the weights of the best epoch, which are also in best.safetensors', async () => {
    const out = join(temporaryFolder(), 'model');
    const { result, events, weights } = await trainSmall({
      out,
      epochs: 30,
      learningRate: 0.02,
      earlyStopping: 2,
    });
    const losses = events.filter((event) => event.event === 'epoch').map(({ valLoss }) => valLoss);
    const best = losses.indexOf(Math.min(...losses)) + 1;
    expect(losses.length).toBeLessThan(30);
    expect(best).toBe(losses.length - 2);
    expect(result.bestEpoch).toBe(best);
    expect(events.at(-1)).toEqual({ event: 'best', epoch: best });
    const whole = await trainSmall({ epochs: best, learningRate: 0.02 });
    expect(weights).toBe(whole.weights);
    expect(await savedWeights(out)).toBe(weights);
    const model = await tf.loadLayersModel(`file://${out}/model.json`);
    const kept = safeTensors(join(out, 'best.safetensors'));
    expect(Object.keys(kept)).toHaveLength(model.weights.length);
    model.weights.forEach((weight) => {
      expect(kept[`model/${weight.originalName}`]).toEqual([...weight.read().dataSync()]);
    });
    disposeModel(model);
  });
});

describe('an abort', () => {
  /** Aborts when an event comes by. */
  function abortAt(matches: (event: TrainEvent) => boolean): Pick<TrainOptions, 'signal' | 'onEvent'> {
    const controller = new AbortController();
    return {
      signal: controller.signal,
      onEvent: (event) => {
        if (matches(event)) controller.abort();
      },
    };
  }

  test('stops after the current step and saves what was trained', async () => {
    const { result, events } = await trainSmall(
      abortAt((event) => event.event === 'step' && event.step === 3),
    );
    expect(result).toMatchObject({ stopped: true, steps: 3, test: undefined });
    expect(events.at(-1)).toMatchObject({ event: 'step', step: 3 });
    expect(await savedWeights(result.folder as string)).toEqual(await weightsAfter(3));
  });

  test('in the last step of an epoch skips its validation', async () => {
    const { result, events } = await trainSmall(
      abortAt((event) => event.event === 'step' && event.step === 5),
    );
    expect(result).toMatchObject({ stopped: true, steps: 5 });
    expect(events.at(-1)?.event).toBe('step');
    expect(await savedWeights(result.folder as string)).toEqual(await weightsAfter(5));
  });

  test('while an epoch is validated saves what was trained', async () => {
    const controller = new AbortController();
    const { result, events } = await trainSmall({
      signal: controller.signal,
      // Arrives when the event loop has its next turn, which is the one before the first validation batch.
      onEvent: (event) => {
        if (event.event === 'step' && event.step === 5)
          setImmediate(() => setImmediate(() => controller.abort()));
      },
    });
    expect(result).toMatchObject({ stopped: true, steps: 5 });
    expect(events.some((event) => event.event === 'epoch')).toBe(false);
    expect(await savedWeights(result.folder as string)).toEqual(await weightsAfter(5));
  });

  test('between epochs leaves the model of the epoch', async () => {
    const { result, events } = await trainSmall(abortAt((event) => event.event === 'epoch'));
    expect(result).toMatchObject({ stopped: true, steps: 5 });
    expect(events.at(-1)?.event).toBe('epoch');
    expect(await savedWeights(result.folder as string)).toEqual(await weightsAfter(5));
  });

  test('before the first step saves nothing', async () => {
    const out = join(temporaryFolder(), 'model');
    await trainSmall({ out, epochs: 1 });
    const before = readFileSync(join(out, 'weights.bin'));
    const { result } = await trainSmall({ out, signal: AbortSignal.abort() });
    expect(result).toMatchObject({ stopped: true, steps: 0, folder: undefined, test: undefined });
    expect(readFileSync(join(out, 'weights.bin')).equals(before)).toBe(true);
  });
});

describe('a loss that is no number', () => {
  test('ends the training and names epoch and step', async () => {
    const out = join(temporaryFolder(), 'model');
    const { error, events } = await failure({ out, learningRate: 1e30 });
    expect(error.code).toBe('TRAINING_DIVERGED');
    expect(error.message).toContain(
      'The loss became NaN or infinite in epoch 1, step 2 (learning rate 1e+30)',
    );
    expect(error.message).toContain('No epoch was completed or saved.');
    expect(events.filter((event) => event.event === 'step')).toHaveLength(1);
    expect(readdirSync(out)).toEqual([]);
  });

  test('of the validation does the same', async () => {
    const { error } = await failure({ learningRate: 1e30, batch: 36 });
    expect(error.message).toContain('The validation loss became NaN in epoch 1, step 1');
  });

  /** Makes the weights NaN after the first step of the second epoch. */
  function breakWeights(event: { event: string; epoch?: number; step?: number }): void {
    if (event.event !== 'step' || event.epoch !== 2 || event.step !== 1) return;
    for (const variable of Object.values(tf.engine().registeredVariables))
      if (variable.trainable && variable.rank > 1)
        variable.assign(tf.tidy(() => tf.fill(variable.shape, Number.NaN)));
  }

  test('leaves the model of the last good epoch', async () => {
    const out = join(temporaryFolder(), 'model');
    const good = await weightsAfter(5);
    const { error } = await failure({ out, onEvent: breakWeights });
    expect(error.message).toContain('The loss became NaN or infinite in epoch 2, step 2');
    expect(error.message).toContain(`The model of epoch 1 is in ${out}.`);
    expect(await savedWeights(out)).toBe(good);
  });

  test('is noticed before a stopped training would replace a good model', async () => {
    const out = join(temporaryFolder(), 'model');
    const good = await weightsAfter(5);
    const controller = new AbortController();
    const { error } = await failure({
      out,
      signal: controller.signal,
      onEvent: (event) => {
        breakWeights(event);
        if (event.event === 'step' && event.epoch === 2) controller.abort();
      },
    });
    expect(error.message).toContain('A weight became NaN or infinite in epoch 2, step 1');
    expect(await savedWeights(out)).toBe(good);
  });
});

describe('an output folder that fails', () => {
  test.each(['file/model', 'file'])(
    'from the start (%s under a file) is told before training',
    async (name) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'file'), 'text');
      const { error, events } = await failure({ out: join(folder, name) });
      expect(error.code).toBe('OUTPUT_UNWRITABLE');
      expect(error.message).toContain(join(folder, name));
      expect(events).toEqual([]);
      expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('text');
    },
  );

  test('on a file system that takes no files is told before training', async () => {
    const { error } = await failure({ out: '/proc/tfjs-native-test' });
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
  });

  /** Puts a file where the folder is, so that nothing can be saved there. */
  function block(out: string): void {
    rmSync(out, { recursive: true });
    writeFileSync(out, '');
  }

  function temporaryFiles(folder: string): void {
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
  }

  test('while training has the model saved elsewhere', async () => {
    const out = join(temporaryFolder(), 'model');
    const elsewhere = temporaryFolder();
    temporaryFiles(elsewhere);
    const { error, events } = await failure({
      out,
      onEvent: (event) => {
        if (event.event === 'step' && event.epoch === 1 && event.step === 5) block(out);
      },
    });
    expect(error.code).toBe('SAVE_FAILED');
    const [name] = readdirSync(elsewhere);
    const instead = join(elsewhere, name as string);
    expect(error.message).toContain(out);
    expect(error.message).toContain(`The model of epoch 2 is in ${instead} instead`);
    expect(await savedWeights(instead)).toEqual((await trainSmall()).weights);
    const warnings = events.filter((event) => event.event === 'warning');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]?.message).toContain(`The model of epoch 1 is in ${instead} instead`);
    expect(events.filter((event) => event.event === 'epoch')).toHaveLength(2);
  });

  test('for a while leaves nothing elsewhere', async () => {
    const out = join(temporaryFolder(), 'model');
    const elsewhere = temporaryFolder();
    temporaryFiles(elsewhere);
    const { result, events, weights } = await trainSmall({
      out,
      onEvent: (event) => {
        if (event.event !== 'step' || event.step !== 5) return;
        if (event.epoch === 1) block(out);
        else rmSync(out);
      },
    });
    expect(events.filter((event) => event.event === 'warning')).toHaveLength(1);
    expect(result.folder).toBe(out);
    expect(await savedWeights(out)).toEqual(weights);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test('when nothing else can be written says what is left', async () => {
    const out = join(temporaryFolder(), 'model');
    const { error } = await failure({
      out,
      onEvent: (event) => {
        if (event.event !== 'epoch' || event.epoch !== 1) return;
        // A folder in the place of the model's file: it cannot be replaced, and stays readable under its new name.
        rmSync(join(out, 'model.json'));
        mkdirSync(join(out, 'model.json'));
        temporaryFiles(join(out, 'nowhere'));
      },
    });
    expect(error.code).toBe('SAVE_FAILED');
    expect(error.message).toContain('either: ');
    expect(error.message).toContain(`The model of epoch 1 is still in ${out}.`);
    expect(existsSync(join(out, 'nowhere'))).toBe(false);
  });
});

test('an evaluation that fails does not lose the model', async () => {
  const out = join(temporaryFolder(), 'model');
  const data = await smallData(40, 10);
  const wrong: ImageDataset = { ...data.test, height: 14, width: 56 };
  const { error } = await failure({ out, data: { ...data, test: wrong } });
  expect(error.code).toBe('EVALUATION_FAILED');
  expect(error.message).toContain(`saved in ${out}`);
  expect(await savedWeights(out)).toEqual((await trainSmall()).weights);
});

describe('options of a recipe', () => {
  /** What a run was told and what it took for the rest. */
  async function settingsOf(options: TrainOptions): Promise<object> {
    const out = join(temporaryFolder(), 'model');
    await trainSmall({ out, epochs: 1, ...options });
    return (JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { settings: object }).settings;
  }

  test('give way to those that are asked for, also where these exclude them', async () => {
    const best = await settingsOf({ model: 'mnist-best' });
    expect(best).toMatchObject({ labels: 'onehot', labelSmoothing: 0.05, batchNorm: true, epochs: 1 });
    const asked = { labels: 'sparse', batchNorm: false, augmentation: { zoomRange: 0 } } as const;
    expect(await settingsOf({ model: 'mnist-best', ...asked })).toMatchObject({
      labels: 'sparse',
      labelSmoothing: 0,
      batchNorm: false,
      augmentation: { rotationRange: 10, zoomRange: 0 },
    });
    const split = await settingsOf({ model: 'mnist-cnn-augmented', validationSplit: 0.2 });
    expect(split).not.toHaveProperty('split');
  });
});

describe('wrong options', () => {
  test.each([
    [{ model: 'vgg' }, 'model is "vgg"; expected one of: mnist-cnn, mnist-cnn-onehot,'],
    [{ epochs: 0 }, 'epochs is 0; expected a whole number of at least 1.'],
    [{ epochs: 1.5 }, 'epochs is 1.5; expected'],
    [{ epochs: -1 }, 'epochs is -1; expected'],
    [{ epochs: Number.NaN }, 'epochs is NaN; expected'],
    [{ batch: 0 }, 'batch is 0; expected a whole number of at least 1.'],
    [{ batch: 2.5 }, 'batch is 2.5; expected'],
    [{ batch: 37 }, 'batch is 37; expected a whole number from 1 to 36, the images.'],
    [{ learningRate: 0 }, 'learningRate is 0; expected a number above 0.'],
    [{ learningRate: Number.POSITIVE_INFINITY }, 'learningRate is Infinity; expected'],
    [{ seed: -1 }, 'seed is -1; expected a whole number from 0 to 2^53 - 1.'],
    [{ seed: 2 ** 53 }, 'seed is 9007199254740992; expected'],
    [{ labelSmoothing: 0.1 }, 'labelSmoothing is 0.1; expected 0 unless labels is "onehot".'],
    [{ data: '/nowhere' }, 'No data in /nowhere: there is no such folder or file'],
  ] satisfies [TrainOptions, string][])(
    '%j is refused before anything is written',
    async (options, message) => {
      const out = join(temporaryFolder(), 'model');
      const { error, events } = await failure({ out, ...options });
      expect(error.message).toContain(message);
      expect(events).toEqual([]);
      expect(existsSync(out)).toBe(false);
    },
  );
});
