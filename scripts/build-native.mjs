/**
 * Builds the C++ addon to build/Release/tfjs_native.node, where src/binding.ts looks. Compiles only what changed,
 * and says nothing when that is nothing.
 */
import { parseArgs } from 'node:util';
import { BuildError, buildNative } from './native-builders.mjs';

const usage = `usage: node scripts/build-native.mjs [--cmake | --gyp] [options]
  --cmake, --gyp      build with this one; by default with CMake where it is there
  --out FOLDER        into this folder of the checkout instead of build
  --target NAME       tfjs_native (the default) or native-tests; may be repeated
  --openmp            run parallel work on OpenMP instead of the pool; into build-openmp; needs CMake
  --sanitize NAMES    sanitizers, as -fsanitize takes them; needs CMake
  --flags=FLAGS       compiler flags, added last`;

/** @typedef {import('./native-builders.mjs').Target} Target */
/**
 * @typedef {{ cmake?: boolean, gyp?: boolean, out?: string, target?: Target[], openmp?: boolean, sanitize?: string,
 *   flags?: string, help?: boolean }} Values
 */
const options = /** @type {const} */ ({
  cmake: { type: 'boolean' },
  gyp: { type: 'boolean' },
  out: { type: 'string' },
  target: { type: 'string', multiple: true },
  openmp: { type: 'boolean' },
  sanitize: { type: 'string' },
  flags: { type: 'string' },
  help: { type: 'boolean' },
});

try {
  const values = /** @type {Values} */ (parseArgs({ options }).values);
  if (values.help) {
    console.log(usage);
  } else {
    const { cmake, gyp, openmp, sanitize, flags, target: targets } = values;
    const builder = cmake ? 'cmake' : gyp ? 'gyp' : undefined;
    const out = values.out ?? (openmp ? 'build-openmp' : undefined);
    await buildNative({ builder, out, targets, openmp, sanitize, flags });
  }
} catch (error) {
  if (error instanceof BuildError) console.error(error.message);
  else if (error instanceof TypeError && 'code' in error) console.error(`${error.message}\n${usage}`);
  else throw error;
  process.exitCode = 1;
}
