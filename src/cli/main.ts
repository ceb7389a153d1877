#!/usr/bin/env node
/**
 * The command `tfjs-native`. Each command's code, and TensorFlow.js with it, is loaded when the command runs, so
 * that help and wrong usage answer at once.
 */
import { Argument, Command, CommanderError, Option } from 'commander';
import { TfjsNativeError } from '../errors';
import { modelNames } from '../models/names';
import { defaultModel, defaultOut } from '../train/options';
import { recipes } from '../train/recipes';
import { wholeNumber } from './arguments';
import type { EvaluateOptions } from './evaluate';
import type { InfoOptions } from './info';
import { addSettings } from './settings';
import type { TrainCommandOptions } from './train';

const exitCodes = `
Exit status: 0 done, 1 failed, 2 wrong usage`;

const recipeHelp = `
Recipes:
${modelNames.map((name) => `  ${name.padEnd(21)}${recipes[name].description}`).join('\n')}`;

const stopping = `
Ctrl-C (SIGINT), SIGTERM and SIGHUP stop after the current step and save what
was trained, untested; a second one exits at once. The model is also saved
after every epoch, and in the folder for temporary files if --out fails.
${exitCodes},
130 stopped by SIGINT, 143 by SIGTERM, 129 by SIGHUP`;

const dataOption = (usual: string) =>
  new Option('--data <data>', `a name, a folder or a file (default: ${usual})`);
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
  .addArgument(new Argument('[recipe]', `what to train (default: "${defaultModel}")`).choices(modelNames))
  .addOption(dataOption('what the recipe is for'))
  .addOption(
    new Option(
      '--out <folder>',
      `where to save; a model there is replaced (default: ${defaultOut('<recipe>')})`,
    ),
  )
  .addOption(
    new Option('--resume', 'go on with the training in --out that was stopped, as if it had not been'),
  )
  .addOption(new Option('--from <run>', 'train anew as run.json in this folder tells; options change it'))
  .addOption(jsonOption('one JSON object a line: each epoch, then the end'));
addSettings(train);
train
  .addHelpText('after', recipeHelp)
  .addHelpText('after', stopping)
  .action((recipe: string | undefined, options: TrainCommandOptions) =>
    (require('./train') as typeof import('./train')).train(recipe, options),
  );

const evaluate = program
  .command('evaluate')
  .description('tests a saved model on the test images')
  .argument('<folder>', 'the folder that the model is saved in')
  .addOption(dataOption('what the model was trained on'))
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
