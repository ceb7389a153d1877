#!/usr/bin/env node
/**
 * The command `tfjs-native`. Each command's code, and TensorFlow.js with it, is loaded when the command runs, so
 * that help and wrong usage answer at once.
 */
import { Argument, Command, CommanderError, Option } from 'commander';
import { TfjsNativeError } from '../errors';
import { modelNames } from '../models/names';
import {
  architectureSettings,
  defaultModel,
  defaultOut,
  finetuneDefaults,
  finetuneOut,
} from '../train/options';
import { recipes } from '../train/recipes';
import { wholeNumber } from './arguments';
import { colorModes, dataNames } from '../data/names';
import type { InspectOptions } from './data';
import type { EvaluateOptions } from './evaluate';
import type { FinetuneCommandOptions } from './finetune';
import type { InfoOptions } from './info';
import { addSettings } from './settings';
import type { TrainCommandOptions } from './train';

const exitCodes = `
Exit status: 0 done, 1 failed, 2 wrong usage`;

const dataHelp = `
Data: a name (${dataNames.slice(0, 2).join(', ')}, ${dataNames.at(-1)},
${dataNames.slice(2, 6).join(', ')},
${dataNames.slice(6, -1).join(', ')}), downloaded once into
~/.cache/tfjs-native/data; a folder of idx files, of CIFAR-10's binary files, of
a folder of images for each class (also in train/ and test/), of train.csv and
test.csv; or a CSV file, the class first and then the pixels.`;

const recipeHelp = `
Recipes:
${modelNames.map((name) => `  ${name.padEnd(21)}${recipes[name].description}`).join('\n')}

Each option of a recipe can be given another value; what it switches on is
switched off by --no-, such as --no-batch-norm.`;

const stopping = `
Ctrl-C (SIGINT), SIGTERM and SIGHUP stop after the current step and save what
was trained, untested; a second one exits at once. The model is also saved
after every epoch, and in the folder for temporary files if --out fails.
${exitCodes},
130 stopped by SIGINT, 143 by SIGTERM, 129 by SIGHUP`;

const dataOption = (usual: string) => new Option('--data <data>', `see below (default: ${usual})`);
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
  .addHelpText('after', dataHelp)
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
  .addHelpText('after', dataHelp)
  .addHelpText('after', exitCodes)
  .action((folder: string, options: EvaluateOptions) =>
    (require('./evaluate') as typeof import('./evaluate')).evaluate(folder, options),
  );

const finetune = program
  .command('finetune')
  .description('goes on with a trained model on new data, of any classes')
  .argument('<folder>', 'the folder that the model is saved in; it stays as it is')
  .addOption(new Option('--data <data>', 'the new data').makeOptionMandatory())
  .addOption(
    new Option('--old-data <data>', 'to see what is forgotten (default: what the model was trained on)'),
  )
  .addOption(new Option('--out <folder>', `where to save (default: ${finetuneOut('<folder>')})`))
  .addOption(
    new Option(
      '--freeze <layers>',
      'layers that stay: the first so many with weights, or names: conv1,conv2',
    ),
  )
  .addOption(new Option('--new-head', 'replace the last layer even if the classes are the same'))
  .addOption(
    new Option('--resume', 'go on with the fine-tuning in --out that was stopped, as if it had not been'),
  )
  .addOption(jsonOption('one JSON object a line: each epoch, then the end'));
addSettings(finetune, finetuneDefaults, architectureSettings);
finetune
  .addHelpText('after', dataHelp)
  .addHelpText('after', stopping)
  .action((folder: string, options: FinetuneCommandOptions) =>
    (require('./finetune') as typeof import('./finetune')).finetune(folder, options),
  );

program
  .command('data')
  .description('looks at data')
  .command('inspect')
  .description('tells shapes, classes, statistics and duplicates of data')
  .argument('[data]', 'see below', 'mnist')
  .addOption(new Option('--picture <file>', 'saves a PNG of sample images of each class'))
  .addOption(
    new Option('--samples <n>', 'images of each class in the picture')
      .default(10)
      .argParser(wholeNumber(1, 1000)),
  )
  .addOption(new Option('--seed <n>', 'of the choice of samples').default(1).argParser(wholeNumber(0)))
  .addOption(
    new Option('--image-size <n>', 'height and width that image files are scaled to').argParser(
      wholeNumber(1),
    ),
  )
  .addOption(new Option('--color <name>', 'what image files are made').choices(colorModes))
  .addOption(jsonOption('one JSON object'))
  .addHelpText('after', dataHelp)
  .addHelpText('after', exitCodes)
  .action((source: string, options: InspectOptions) =>
    (require('./data') as typeof import('./data')).inspect(source, options),
  );

for (const command of [info, train, evaluate, finetune])
  for (const option of runtimeOptions) command.addOption(option);

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
