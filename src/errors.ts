/**
 * Every error that tfjs-native raises itself, with its code. A message names the value, what is accepted, and
 * what to do.
 */
const messages = {
  ADDON_NOT_LOADED: (platform: string, reasons: string) =>
    `The native addon of tfjs-native could not be loaded on ${platform}.\n${reasons}\n` +
    'Remedy: reinstall tfjs-native on this machine (an install copied from another platform does not work), ' +
    'or, in a checkout, run `npm run build`.',
  ISA_UNAVAILABLE: (wanted: string, available: string) =>
    `TFJS_NATIVE_ISA is "${wanted}", which this CPU or build does not have; available: ${available}.`,
  INVALID_ARGUMENT: (name: string, value: unknown, accepted: string) =>
    `${name} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}; expected ${accepted}.`,
  KERNEL_FAILED: (kernel: string, reason: string) => `${kernel} failed: ${reason}.`,
  BUFFER_DETACHED: () =>
    "A tensor's array was transferred to another thread (its ArrayBuffer is detached), so its values are gone.",
} as const;

type Messages = typeof messages;
/** The code of a {@link TfjsNativeError}. */
export type ErrorCode = keyof Messages;

/** An error raised by tfjs-native; `code` stays stable between versions, the message may be reworded. */
export class TfjsNativeError extends Error {
  override readonly name = 'TfjsNativeError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Makes the error of a code from the table of messages. */
export function nativeError<C extends ErrorCode>(code: C, ...args: Parameters<Messages[C]>): TfjsNativeError {
  const message = messages[code] as (...values: unknown[]) => string;
  return new TfjsNativeError(code, message(...args));
}
