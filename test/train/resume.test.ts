import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type * as tf from 'tfjs-native';
import { type Settings, train, type TrainOptions } from 'tfjs-native/train';
import { main } from '../cli/command';
import { smallMnist, temporaryFolder } from '../data/idx-files';
import { spawn } from 'node:child_process';
import { runFiles, smallData } from './small-data';

async function run(out: string, options: TrainOptions) {
  const result = await train({ data: await smallData(120, 20), out, ...options });
  result.model.optimizer.dispose();
  result.model.dispose();
  return result;
}

/** What has to be the same to the bit. */
function state(out: string): unknown[] {
  const text = (name: string) => readFileSync(join(out, name), 'utf8');
  const history = text('history.jsonl')
    .trim()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as object), seconds: 0 }));
  const weights = ['weights.bin', 'best.safetensors'].map((name) =>
    readFileSync(join(out, name)).toString('base64'),
  );
  return [history, ...weights];
}

const everything: Settings = {
  epochs: 3,
  batch: 16,
  labels: 'onehot',
  labelSmoothing: 0.1,
  dropout: 0.3,
  batchNorm: true,
  schedule: 'cosine',
  warmup: 1,
  earlyStopping: 3,
  split: '9:1',
  balancedSampling: true,
  augmentation: { rotationRange: 10, noise: 0.05, elastic: 1 },
};

describe('a training that was stopped goes on as if it had not been', () => {
  test.each([
    ['adam', { optimizer: 'adam', globalClipNorm: 1 }],
    ['sgd', { optimizer: 'sgd', momentum: 0.9, learningRate: 0.01 }],
    ['rmsprop', { optimizer: 'rmsprop', momentum: 0.5, clipValue: 0.5 }],
    ['adagrad', { optimizer: 'adagrad', learningRate: 0.01 }],
    ['adadelta', { optimizer: 'adadelta', learningRate: 0.5, schedule: 'plateau', scheduleEpochs: 1 }],
  ] satisfies [string, Settings][])('with %s, stopped twice', async (_, settings) => {
    const all = { ...everything, ...settings };
    const whole = join(temporaryFolder(), 'whole');
    const { steps } = await run(whole, all);
    const out = join(temporaryFolder(), 'parts');
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`seed ${seed}`);
    // The second time at the end of an epoch, before it is evaluated.
    const stops = [1 + (seed % 13), 14];
    expect(steps).toBe(21);
    let taken = 0;
    for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
      const controller = new AbortController();
      const resume = taken > 0;
      const result = await run(out, {
        ...(resume ? {} : all),
        resume,
        signal: controller.signal,
        onEvent: ({ event }) => {
          if (event === 'step' && ++taken === stop) controller.abort();
        },
      });
      expect(result.stopped).toBe(stop !== Number.POSITIVE_INFINITY);
    }
    expect(taken).toBe(steps);
    expect(state(out)).toEqual(state(whole));
  });

  test('with more epochs than before', async () => {
    const whole = join(temporaryFolder(), 'whole');
    await run(whole, { epochs: 3, batch: 16 });
    const out = join(temporaryFolder(), 'parts');
    await run(out, { epochs: 1, batch: 16 });
    await run(out, { epochs: 3, resume: true });
    expect(state(out)).toEqual(state(whole));
  });

  test('also when it is killed at any moment', async () => {
    const data = smallMnist(temporaryFolder(), { train: 300, test: 20 });
    const args = [
      'train',
      '--data',
      data,
      '--epochs',
      '4',
      '--batch',
      '8',
      '--dropout',
      '0.2',
      '--checkpoint-seconds',
      '0',
    ];
    const start = (out: string, more: string[]) =>
      spawn(process.execPath, [main, ...args, '--out', out, ...more], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    const ended = (child: ReturnType<typeof start>) =>
      new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
    const whole = join(temporaryFolder(), 'whole');
    expect(await ended(start(whole, []))).toBe(0);
    const out = join(temporaryFolder(), 'killed');
    const waits = Array.from({ length: 3 }, () => 50 + Math.random() * 600);
    console.log(`waits ${waits.join(', ')} ms after the first line`);
    for (const wait of waits) {
      const resume = (() => {
        try {
          return readFileSync(join(out, 'last.safetensors')).length > 0;
        } catch {
          return false;
        }
      })();
      const child = start(out, resume ? ['--resume'] : []);
      child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), wait));
      await ended(child);
    }
    expect(await ended(start(out, ['--resume']))).toBe(0);
    expect(state(out)).toEqual(state(whole));
  });
});

describe('a checkpoint of another training is refused', () => {
  const failure = (out: string, options: TrainOptions) =>
    run(out, { resume: true, ...options }).then(
      () => expect.fail('it should have been refused'),
      (error: unknown) => error as tf.TfjsNativeError,
    );

  test('and the difference told', async () => {
    const out = join(temporaryFolder(), 'model');
    await run(out, { epochs: 1, batch: 16 });
    const before = readFileSync(join(out, 'weights.bin'));
    for (const [options, difference] of [
      [{ optimizer: 'sgd' }, 'optimizer was "adam" and is "sgd" now'],
      [{ batch: 8 }, 'batch was 16 and is 8 now'],
      [{ model: 'mnist-mlp' }, 'its model was mnist-cnn and is mnist-mlp now'],
      [{ data: await smallData(130, 20) }, 'its training images was 108 images'],
    ] as const) {
      const error = await failure(out, options);
      expect(error.code).toBe('CHECKPOINT_UNSUITABLE');
      expect(error.message).toContain(difference);
    }
    expect(readFileSync(join(out, 'weights.bin')).equals(before)).toBe(true);
  });

  test('also where there is none, one of another version, or half of one', async () => {
    const out = join(temporaryFolder(), 'model');
    expect((await failure(out, {})).message).toContain('last.safetensors: cannot be read');
    await run(out, { epochs: 1 });
    expect(runFiles).toContain('last.safetensors');
    const file = join(out, 'last.safetensors');
    const whole = readFileSync(file);
    const other = Buffer.from(whole.toString('latin1').replace('"format":"2"', '"format":"1"'), 'latin1');
    writeFileSync(file, other);
    expect((await failure(out, {})).message).toContain('was written by another version of tfjs-native');
    writeFileSync(file, whole.subarray(0, 5000));
    expect((await failure(out, {})).code).toBe('DATA_FILE');
    writeFileSync(file, readFileSync(file).subarray(0, 5));
    expect((await failure(out, {})).message).toContain('is no safetensors file, or cut off');
  });
});
