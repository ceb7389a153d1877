import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as tf from 'tfjs-native';
import { loadMnist } from 'tfjs-native/data';
import { evaluateModel, train } from 'tfjs-native/train';
import { smallMnist, temporaryFolder } from '../data/idx-files';
import { runFiles } from '../train/small-data';
import { lines, run } from './command';

/** 36 images to train with, 4 to validate, 20 to test: 5 steps an epoch. */
const counts = { train: 40, test: 20 };
const quick = ['--batch', '8'];

function weightsFile(folder: string): Buffer {
  return readFileSync(join(folder, 'weights.bin'));
}

function project(): { cwd: string; data: string } {
  const cwd = temporaryFolder();
  return { cwd, data: smallMnist(join(cwd, 'data'), counts) };
}

describe('train --from', () => {
  test('trains anew as a run was trained, from what its folder says, which is nothing private', async () => {
    const { cwd } = project();
    const settings = ['--epochs', '2', '--dropout', '0.2', '--schedule', 'cosine', '--seed', '5', ...quick];
    const first = await run(['train', 'mnist-mlp', '--data', 'data', '--out', 'one', ...settings], { cwd });
    expect(first).toMatchObject({ code: 0 });
    const record = readFileSync(join(cwd, 'one/run.json'), 'utf8');
    for (const secret of [cwd, hostname(), userInfo().username, homedir()])
      expect(record).not.toContain(secret);
    expect(JSON.parse(record)).toMatchObject({
      model: 'mnist-mlp',
      settings: { seed: 5, schedule: 'cosine' },
    });
    const again = ['train', '--from', 'one', '--out', 'two'];
    const unnamed = await run(again, { cwd });
    expect(unnamed.code).toBe(1);
    expect(unnamed.stderr).toContain('has to be named again: --data');
    expect(await run([...again, '--data', 'data'], { cwd })).toMatchObject({ code: 0 });
    expect(weightsFile(join(cwd, 'two')).equals(weightsFile(join(cwd, 'one')))).toBe(true);
    const other = ['train', '--from', 'one', '--out', 'three', '--data', 'data', '--seed', '6'];
    expect(await run(other, { cwd })).toMatchObject({ code: 0 });
    expect(weightsFile(join(cwd, 'three')).equals(weightsFile(join(cwd, 'one')))).toBe(false);
    const nowhere = await run(['train', '--from', 'nowhere'], { cwd });
    expect(nowhere.code).toBe(1);
    expect(nowhere.stderr).toContain(`${join('nowhere', 'run.json')}: cannot be repeated`);
  });
});

describe('train and evaluate', () => {
  test('--json prints each epoch, then the end, and evaluate agrees', async () => {
    const { cwd } = project();
    const args = [
      'train',
      'mnist-cnn',
      '--data',
      'data',
      '--epochs',
      '2',
      '--json',
      '--threads',
      '1',
      ...quick,
    ];
    const { code, stdout, stderr } = await run(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, second, done, ...more] = lines(stdout);
    expect(more).toEqual([]);
    for (const [i, epoch] of [first, second].entries()) {
      expect(Object.keys(epoch ?? {})).toEqual([
        'event',
        'epoch',
        'loss',
        'accuracy',
        'valLoss',
        'valAccuracy',
        'learningRate',
        'seconds',
      ]);
      expect(epoch).toMatchObject({ event: 'epoch', epoch: i + 1 });
    }
    expect(Object.keys(done ?? {})).toEqual([
      'event',
      'model',
      'backend',
      'isa',
      'threads',
      'test',
      'seconds',
    ]);
    const { isa } = tf.info();
    expect(done).toMatchObject({
      event: 'done',
      model: 'models/mnist-cnn',
      backend: 'native',
      isa,
      threads: 1,
    });
    expect(done?.seconds).toBeGreaterThan((first?.seconds as number) + (second?.seconds as number));

    const evaluated = await run(['evaluate', 'models/mnist-cnn', '--data', 'data', '--json'], { cwd });
    expect({ code: evaluated.code, stderr: evaluated.stderr }).toEqual({ code: 0, stderr: '' });
    const [evaluation] = lines(evaluated.stdout);
    expect(Object.keys(evaluation ?? {})).toEqual(['model', 'backend', 'isa', 'threads', 'test', 'seconds']);
    expect(evaluation).toMatchObject({ model: 'models/mnist-cnn', backend: 'native', test: done?.test });
  });

  test('train the model that the options describe', async () => {
    const { cwd, data } = project();
    const options = ['--epochs', '1', '--batch', '12', '--lr', '0.01', '--seed', '5', '--out', 'deep/er'];
    const { stdout } = await run(['train', '--data', data, ...options, '--json'], { cwd });
    const expected = await train({
      data: await loadMnist({ data }),
      epochs: 1,
      batch: 12,
      learningRate: 0.01,
      seed: 5,
      out: join(cwd, 'expected'),
    });
    expect(lines(stdout).at(-1)).toMatchObject({ model: 'deep/er', test: expected.test });
    expect(weightsFile(join(cwd, 'deep/er')).equals(weightsFile(join(cwd, 'expected')))).toBe(true);
    expected.model.optimizer.dispose();
    expected.model.dispose();
  });

  test('tell people what they want to know', async () => {
    const { cwd } = project();
    const { code, stdout, stderr } = await run(['train', '--data', 'data', '--epochs', '2', ...quick], {
      cwd,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = stdout.trimEnd().split('\n');
    expect(text[0]).toBe('Training mnist-cnn on 36 images, 4 held out for validation, 2 epochs of 5 steps');
    const figures = String.raw`loss \d\.\d{4}, accuracy \d\.\d{4}`;
    const speed = String.raw`\(\d+\.\d s, [\d,]+ images/s\)`;
    for (const epoch of [1, 2]) {
      expect(text[epoch]).toMatch(
        new RegExp(`^Epoch ${epoch}/2: ${figures}, validation ${figures} ${speed}$`),
      );
    }
    expect(text[3]).toMatch(/^Test accuracy {2}\d\.\d{4}, loss \d\.\d{4}$/);
    expect(text[4]).toMatch(/^Time {11}\d+\.\d s$/);
    expect(text[5]).toMatch(new RegExp(`^Backend {8}native, ${tf.info().isa}, \\d+ threads?$`));
    expect(text[6]).toBe('Model          saved in models/mnist-cnn');
    expect(text).toHaveLength(7);

    const evaluated = await run(['evaluate', 'models/mnist-cnn', '--data', 'data'], { cwd });
    expect(evaluated.stdout.split('\n')[0]).toBe(`${text[3]} (20 images)`);
  });

  test('show a progress bar on a terminal', async () => {
    const { cwd } = project();
    const terminal = join(cwd, 'terminal.cjs');
    writeFileSync(terminal, 'process.stderr.isTTY = true; process.stderr.columns = 120;');
    const { code, stdout, stderr } = await run(['train', '--data', 'data', '--epochs', '2', ...quick], {
      cwd,
      node: ['--require', terminal],
    });
    expect(code).toBe(0);
    expect(stdout).toContain('Epoch 2/2: loss');
    for (const epoch of [1, 2]) {
      expect(stderr).toMatch(
        new RegExp(
          String.raw`Epoch ${epoch}/2 \[[=-]{16}\] \d/5 loss \d\.\d{4} accuracy \d\.\d{4} [\d,]+ images/s ETA \d+\.\d s`,
        ),
      );
    }
  });

  test('run on the plain JavaScript backend, and agree with it', async () => {
    const cwd = temporaryFolder();
    smallMnist(join(cwd, 'data'), { train: 10, test: 2 });
    const args = ['train', '--data', 'data', '--epochs', '1', '--batch', '3', '--json'];
    // By the same sums as cpu's: Adam divides small gradients by their own size, so that other rounding grows with
    // every step.
    const native = await run(args, { cwd, env: { TFJS_NATIVE_WINOGRAD: '0' } });
    const cpu = await run([...args, '--backend', 'cpu'], { cwd });
    const [nativeEpoch, nativeEnd] = lines(native.stdout);
    const [cpuEpoch, cpuEnd] = lines(cpu.stdout);
    expect(nativeEnd).toMatchObject({ backend: 'native' });
    expect(cpuEnd).toMatchObject({ backend: 'cpu' });
    for (const name of ['loss', 'valLoss']) {
      expect(nativeEpoch?.[name]).toBeCloseTo(cpuEpoch?.[name] as number, 4);
    }
  });
});

describe('bad input ends with a clear error', () => {
  test.each([
    [['--data', 'nowhere'], 1, 'error: No data in nowhere: there is no such folder or file'],
    [['--data', '.'], 1, 'error: No data in .: train-images-idx3-ubyte is missing.'],
    [
      ['--data', 'data', '--batch', '37'],
      2,
      'error: batch is 37; expected a whole number from 1 to 36, the images.',
    ],
    [['--data', 'data', '--out', 'data/train-images-idx3-ubyte/x'], 1, 'cannot be written: '],
    [['--data', 'data', '--out', '/proc/x'], 1, 'The output folder /proc/x cannot be written: '],
    [
      ['--data', 'data', '--lr', '1e30'],
      1,
      'The loss became NaN or infinite in epoch 1, step 2 (learning rate 1e+30)',
    ],
  ])('train %j', async (args, expectedCode, message) => {
    const { cwd } = project();
    const { code, stdout, stderr } = await run(['train', '--json', ...quick, ...args], { cwd });
    expect({ code, stdout }).toEqual({ code: expectedCode, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  test.each([
    ['train-images-idx3-ubyte', (content: Buffer) => content.subarray(0, 5000), 'is cut off'],
    ['train-labels-idx1-ubyte', (content: Buffer) => content.subarray(1), 'is no idx file'],
    [
      't10k-labels-idx1-ubyte',
      (content: Buffer) => Buffer.concat([content, content]),
      'has bytes after its end',
    ],
    [
      't10k-labels-idx1-ubyte',
      () => Buffer.from([0, 0, 8, 1, 0, 0, 0, 2, 3, 4]),
      'holds 2 labels for the 20 images of ',
    ],
  ])('a broken %s', async (name, change, message) => {
    const { cwd, data } = project();
    const file = join(data, name);
    writeFileSync(file, change(readFileSync(file)));
    const { code, stderr } = await run(['train', '--data', data], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(`error: ${file}: ${message}`);
    expect(existsSync(join(cwd, 'models'))).toBe(false);
  });

  test('evaluate: a folder without a model', async () => {
    const { cwd } = project();
    const { code, stdout, stderr } = await run(['evaluate', 'nowhere', '--data', 'data'], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('error: No model could be loaded from ');
    expect(stderr).toContain('nowhere');
  });
});

describe('a disk that is full', () => {
  test('leaves the model of before whole, and says that nothing newer is saved', async () => {
    const { cwd } = project();
    const args = ['train', '--data', 'data', '--epochs', '1', ...quick];
    expect((await run(args, { cwd })).code).toBe(0);
    const folder = join(cwd, 'models/mnist-cnn');
    const before = weightsFile(folder);
    const temporary = temporaryFolder();
    // No file may be larger than 100 blocks of 512 bytes: the weights alone are 139 kB, with Adam's state 418 kB.
    const { code, stdout, stderr } = await run([...args, '--seed', '2'], {
      cwd,
      shell: 'ulimit -f 100',
      env: { TMPDIR: temporary },
    });
    expect(code).toBe(1);
    expect(stdout).not.toContain('Test accuracy');
    expect(stderr).toContain(`The model was not saved to ${realpathSync(folder)}`);
    expect(stderr).toContain('EFBIG');
    expect(stderr).toContain('No model of this training is saved.');
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(runFiles);
    expect(weightsFile(folder).equals(before)).toBe(true);
    expect((await run(['evaluate', 'models/mnist-cnn', '--data', 'data'], { cwd })).code).toBe(0);
  });

  test('under the output of the command does not lose the training', async () => {
    const { cwd, data } = project();
    const { code } = await run(['train', '--data', 'data', '--epochs', '1000', '--json', ...quick], {
      cwd,
      shell: 'exec >/dev/full',
    });
    expect(code).toBe(1);
    const { test } = await loadMnist({ data });
    expect(await evaluateModel(join(cwd, 'models/mnist-cnn'), test)).toMatchObject({
      accuracy: expect.any(Number) as number,
    });
  });
});

describe('a request to stop', () => {
  let data = '';
  let cwd = '';

  /** Starts a long training and sends signals once the first epoch is done. */
  async function interrupted(signals: NodeJS.Signals[], options: string[] = ['--json']) {
    ({ cwd, data } = project());
    let sent = false;
    return run(['train', '--data', 'data', '--epochs', '100000', ...quick, ...options], {
      cwd,
      onOutput: (stdout, child) => {
        if (sent || !/epoch.*\n/i.test(stdout.replace(/^Training.*\n/, ''))) return;
        sent = true;
        // All of them at once, however busy the machine is.
        child.kill('SIGSTOP');
        for (const signal of signals) child.kill(signal);
        child.kill('SIGCONT');
      },
    });
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s saves what was trained, to the bit', async (signal, expectedCode) => {
    const { code, stdout, stderr } = await interrupted([signal]);
    expect(code).toBe(expectedCode);
    expect(stderr).toContain('Stopping after this step, then saving.');
    const done = lines(stdout).at(-1);
    expect(done).toMatchObject({ event: 'done', model: 'models/mnist-cnn', stopped: true });
    expect(done).not.toHaveProperty('test');

    // The same training again, stopped at the same step from inside.
    const controller = new AbortController();
    let steps = 0;
    const again = await train({
      data: await loadMnist({ data }),
      epochs: 100000,
      batch: 8,
      out: join(cwd, 'again'),
      signal: controller.signal,
      onEvent: ({ event }) => {
        if (event === 'step' && ++steps === done?.steps) controller.abort();
      },
    });
    again.model.optimizer.dispose();
    again.model.dispose();
    const saved = join(cwd, 'models/mnist-cnn');
    expect(weightsFile(saved).equals(weightsFile(join(cwd, 'again')))).toBe(true);
    const { test } = await loadMnist({ data });
    const evaluated = await run(['evaluate', saved, '--data', data, '--json'], { cwd });
    expect(lines(evaluated.stdout)[0]?.test).toEqual(await evaluateModel(join(cwd, 'again'), test));
  });

  test('tells people where it stopped', async () => {
    const { code, stdout } = await interrupted(['SIGINT'], []);
    expect(code).toBe(130);
    expect(stdout).toMatch(/^Stopped {2}in epoch \d+ after step \d$/m);
    expect(stdout).toMatch(/^Model {4}saved in models\/mnist-cnn$/m);
    expect(stdout).toContain('tfjs-native evaluate models/mnist-cnn');
  });

  /** Node's argument that makes every save hang, as a disk of another machine may. */
  function hangingDisk(folder: string): string[] {
    const file = join(folder, 'hanging-disk.cjs');
    writeFileSync(
      file,
      `require('node:fs/promises').rename = () => new Promise(() => setInterval(() => {}, 1000));`,
    );
    return ['--require', file];
  }

  test('a second time ends at once', async () => {
    ({ cwd, data } = project());
    const { code, stdout, stderr } = await run(['train', '--data', 'data', '--epochs', '1', ...quick], {
      cwd,
      node: hangingDisk(cwd),
      onOutput: (_, child) => {
        child.kill('SIGINT');
        const again = setInterval(() => child.kill('SIGTERM'), 500);
        child.once('exit', () => clearInterval(again));
      },
    });
    expect(code).toBe(143);
    expect(stderr).toContain('A second signal exits at once.');
    expect(stdout).not.toContain('Model');
  });

  test('twice by one Ctrl-C, as some launchers pass it on, still saves', async () => {
    const { code, stdout } = await interrupted(['SIGINT', 'SIGTERM']);
    // Two signals at the same moment reach a process in either order.
    expect([130, 143]).toContain(code);
    expect(lines(stdout).at(-1)).toMatchObject({ event: 'done', stopped: true });
  });

  test('by nobody reading any more saves what was trained', async () => {
    ({ cwd, data } = project());
    const { code, stdout } = await run(
      ['train', '--data', 'data', '--epochs', '100000', '--json', ...quick],
      {
        cwd,
        onOutput: (_, child) => child.stdout?.destroy(),
      },
    );
    expect(code).toBe(1);
    expect(stdout).toContain('"epoch":1');
    const saved = await tf.loadLayersModel(`file://${join(cwd, 'models/mnist-cnn/model.json')}`);
    expect(saved.countParams()).toBe(34_826);
    saved.optimizer.dispose();
    saved.dispose();
  });
});
