import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { info } from 'tfjs-native';
import { temporaryFolder } from '../data/idx-files';
import { lines, main, run } from './command';

describe('wrong usage ends with 2 and says what is wrong', () => {
  test.each([
    [
      ['train', '--epochs', '0'],
      "option '--epochs <n>' argument '0' is invalid. Expected a whole number of at least 1.",
    ],
    [['train', '--epochs', '2.5'], 'Expected a whole number of at least 1.'],
    [['train', '--epochs', '-3'], 'Expected a whole number of at least 1.'],
    [['train', '--epochs', 'many'], 'Expected a whole number of at least 1.'],
    [['train', '--batch', '0'], "option '--batch <n>' argument '0' is invalid."],
    [['train', '--batch', ''], "option '--batch <n>' argument '' is invalid."],
    [['train', '--lr', '0'], "option '--lr <x>' argument '0' is invalid. Expected a number above 0."],
    [['train', '--lr', 'nan'], 'Expected a number above 0.'],
    [['train', '--seed', '-1'], 'Expected a whole number from 0 to 2^53 - 1.'],
    [
      ['train', '--threads', '0'],
      "option '--threads <n>' argument '0' is invalid. Expected a whole number from 1 to 1024.",
    ],
    [['train', '--threads', '1025'], 'Expected a whole number from 1 to 1024.'],
    [['train', '--backend', 'gpu'], 'Allowed choices are native, cpu, auto, tensorflow.'],
    [
      ['train', 'resnet'],
      "'resnet' is invalid for argument 'recipe'. Allowed choices are mnist-cnn, mnist-cnn-onehot,",
    ],
    [['train', 'mnist-cnn', 'twice'], 'too many arguments'],
    [['train', '--bogus'], "unknown option '--bogus'"],
    [['train', '--out'], "option '--out <folder>' argument missing"],
    [['evaluate'], "missing required argument 'folder'"],
    [['evaluate', 'x', '--epochs', '1'], "unknown option '--epochs'"],
    [['info', 'more'], 'too many arguments'],
    [['fly'], "unknown command 'fly'"],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('--help');
  });

  test('no command at all shows the help', async () => {
    const { code, stderr } = await run([]);
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: tfjs-native');
  });

  test('a bad environment variable', async () => {
    const threads = await run(['info'], { env: { TFJS_NATIVE_THREADS: 'many' } });
    expect(threads.code).toBe(2);
    expect(threads.stderr).toContain('TFJS_NATIVE_THREADS is "many"');
    const backend = await run(['info'], { env: { TFJS_BACKEND: 'gpu' } });
    expect(backend.code).toBe(2);
    expect(backend.stderr).toContain('TFJS_BACKEND is "gpu"');
  });
});

describe('help and version', () => {
  test.each([
    [['--help'], ['info', 'train', 'evaluate', 'Exit status']],
    [
      ['train', '--help'],
      [
        'default: "mnist-cnn"',
        '(default: 5)',
        '(default: 32)',
        '(default: 0.001)',
        'models/<recipe>',
        '--data',
        '--seed',
        '--json',
        'Ctrl-C',
        '130',
      ],
    ],
    [
      ['evaluate', '--help'],
      ['<folder>', '--data', '--backend', '--threads', '--json'],
    ],
    [
      ['info', '--help'],
      ['--backend', '--threads', '--json'],
    ],
  ])('%j', async (args, words) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of words) expect(stdout).toContain(word);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('--version tells the version of the package', async () => {
    const { version } = JSON.parse(
      execFileSync(process.execPath, ['-p', 'JSON.stringify(require("./package.json"))'], {
        cwd: join(main, '../../..'),
        encoding: 'utf8',
      }),
    ) as { version: string };
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  test('neither they nor wrong usage load TensorFlow.js or the addon', async () => {
    const report = join(temporaryFolder(), 'report.cjs');
    writeFileSync(
      report,
      `process.on('exit', () => process.stderr.write('LOADED ' + Object.keys(require.cache).join(' ')));`,
    );
    const loaded = async (args: string[]) => (await run(args, { node: ['--require', report] })).stderr;
    for (const args of [['--help'], ['train', '--help'], ['--version'], ['train', '--epochs', '0']]) {
      const modules = await loaded(args);
      expect(modules).toContain('LOADED');
      expect(modules).not.toMatch(/@tensorflow|\.node\b/);
    }
    expect(await loaded(['info'])).toMatch(/@tensorflow.*\.node\b|\.node\b.*@tensorflow/s);
  });
});

describe('info', () => {
  test('--json prints what info() tells', async () => {
    const { code, stdout } = await run(['info', '--json', '--threads', '1']);
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual([{ ...info(), threads: 1 }]);
  });

  test('prints the same for people, with the backend that was asked for', async () => {
    const { code, stdout } = await run(['info', '--backend', 'cpu', '--threads', '3']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^backend +cpu$/m);
    expect(stdout).toMatch(/^threads +3$/m);
    expect(stdout).toMatch(new RegExp(`^isa +${info().isa}$`, 'm'));
  });

  test('--backend goes before TFJS_BACKEND', async () => {
    const { stdout } = await run(['info', '--json', '--backend', 'native'], {
      env: { TFJS_BACKEND: 'tensorflow' },
    });
    expect(lines(stdout)[0]).toMatchObject({ backend: 'native' });
    const { stdout: fromEnvironment } = await run(['info', '--json'], { env: { TFJS_BACKEND: 'cpu' } });
    expect(lines(fromEnvironment)[0]).toMatchObject({ backend: 'cpu' });
  });

  test('--backend tensorflow is a clear error', async () => {
    const { code, stderr } = await run(['info', '--backend', 'tensorflow']);
    expect(code).toBe(1);
    expect(stderr).toContain('error: The backend "tensorflow" cannot be used');
  });
});
