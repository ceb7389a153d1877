/** Kinds of option values: what is accepted, and how it is read from a command line. */

/** A kind of value. */
export interface Kind<T = unknown> {
  /** For people: `a number above 0`. */
  readonly accepted: string;
  accepts(value: unknown): value is T;
  /** Of text; what it gives may not be accepted. */
  parse(text: string): unknown;
  /** In the help: `<n>`; undefined for a switch. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
}

const toNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

function numbers(placeholder: string, accepted: string, fits: (value: number) => boolean): Kind<number> {
  return {
    placeholder,
    accepted,
    accepts: (value): value is number => typeof value === 'number' && Number.isFinite(value) && fits(value),
    parse: toNumber,
  };
}

/** A whole number of at least `least`. */
export const whole = (least: number): Kind<number> =>
  numbers(
    '<n>',
    `a whole number of at least ${least}`,
    (value) => Number.isSafeInteger(value) && value >= least,
  );

/** What seeds random numbers. */
export const seed: Kind<number> = { ...whole(0), accepted: 'a whole number from 0 to 2^53 - 1' };

/** A number above 0. */
export const positive = numbers('<x>', 'a number above 0', (value) => value > 0);

/** A number of at least 0. */
export const nonNegative = numbers('<x>', 'a number of at least 0', (value) => value >= 0);

/** A part of something, from 0 to below 1. */
export const part = numbers('<x>', 'a number from 0 to below 1', (value) => value >= 0 && value < 1);

/** A part of something, above 0 and below 1. */
export const innerPart = numbers('<x>', 'a number above 0 and below 1', (value) => value > 0 && value < 1);

/** What a byte holds. */
export const byte = numbers('<x>', 'a number from 0 to 255', (value) => value >= 0 && value <= 255);

/** One of some names. */
export const choice = (choices: readonly string[]): Kind<string> => ({
  placeholder: '<name>',
  choices,
  accepted: `one of: ${choices.join(', ')}`,
  accepts: (value): value is string => choices.includes(value as string),
  parse: (text) => text,
});

/** On or off. */
export const onOff: Kind<boolean> = {
  accepted: 'true or false',
  accepts: (value): value is boolean => typeof value === 'boolean',
  parse: (text) => text === 'true',
};

/** Any text. */
export const text = (placeholder: string, accepted: string): Kind<string> => ({
  placeholder,
  accepted,
  accepts: (value): value is string => typeof value === 'string' && value !== '',
  parse: (given) => given,
});
