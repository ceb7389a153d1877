/** The settings of a training as options of a command. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Kind } from '../train/kinds';
import {
  augmentationOptions,
  checkpointOption,
  type OptionOf,
  settingDefaults,
  settingOptions,
  type TrainOptions,
} from '../train/options';

const camelCase = (flag: string): string =>
  flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function parser(kind: Kind): (text: string) => unknown {
  return (text) => {
    const value = kind.parse(text);
    if (kind.accepts(value)) return value;
    throw new InvalidArgumentError(`Expected ${kind.accepted}.`);
  };
}

function optionsOf({ flag, kind, help }: OptionOf, usual: unknown): Option[] {
  const told = usual === undefined || usual === false ? help : `${help} (default: ${usual})`;
  if (kind.placeholder === undefined)
    return [new Option(`--${flag}`, told), new Option(`--no-${flag}`).hideHelp()];
  const option = new Option(`--${flag} ${kind.placeholder}`, told);
  if (kind.choices) option.choices(kind.choices);
  else option.argParser(parser(kind));
  return [option];
}

/**
 * Adds an option for each setting. None has a default of commander's: what is not given is the recipe's.
 * @param usual what a setting is unless something else is asked for, where that is not the usual
 * @param without settings that the command does not have
 */
export function addSettings(
  command: Command,
  usual: Readonly<Record<string, unknown>> = {},
  without: readonly string[] = [],
): void {
  const defaults: Readonly<Record<string, unknown>> = { ...settingDefaults, ...usual };
  const tables = { ...settingOptions, ...augmentationOptions, checkpointSeconds: checkpointOption };
  for (const [name, option] of Object.entries(tables)) {
    if (without.includes(name)) continue;
    const found = optionsOf(option, defaults[name]);
    for (const one of found) command.addOption(one);
    // A `--no-` form gives its positive one a default.
    if (found.length > 1) command.setOptionValue(camelCase(option.flag), undefined);
  }
}

/** The settings among the values of a command's options. */
export function settingsOf(values: Readonly<Record<string, unknown>>): TrainOptions {
  const take = (table: Readonly<Record<string, OptionOf>>) =>
    Object.fromEntries(
      Object.entries(table)
        .map(([name, { flag }]) => [name, values[camelCase(flag)]] as const)
        .filter(([, value]) => value !== undefined),
    );
  const augmentation = take(augmentationOptions);
  return {
    ...take({ ...settingOptions, checkpointSeconds: checkpointOption }),
    ...(Object.keys(augmentation).length > 0 && { augmentation }),
  };
}
