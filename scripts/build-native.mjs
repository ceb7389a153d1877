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
  --platform NAME     for another platform, linux-arm64, into build-<platform>; needs CMake and its cross-compiler
  --sanitize NAMES    sanitizers, as -fsanitize takes them; needs CMake
  --flags=FLAGS       compiler flags, added last`;

/** @typedef {import('./native-builders.mjs').Target} Target */
/** @typedef {import('./native-builders.mjs').Platform} Platform */
/**
 * @typedef {{ cmake?: boolean, gyp?: boolean, out?: string, target?: Target[], openmp?: boolean,
 *   platform?: Platform, sanitize?: string, flags?: string, help?: boolean }} Values
 */
const options = /** @type {const} */ ({
  cmake: { type: 'boolean' },
  gyp: { type: 'boolean' },
  out: { type: 'string' },
  target: { type: 'string', multiple: true },
  openmp: { type: 'boolean' },
  platform: { type: 'string' },
  sanitize: { type: 'string' },
  flags: { type: 'string' },
  help: { type: 'boolean' },
});

try {
  const values = /** @type {Values} */ (parseArgs({ options }).values);
  if (values.help) {
    console.log(usage);
  } else {
    const { cmake, gyp, openmp, platform, sanitize, flags, target: targets } = values;
    const builder = cmake ? 'cmake' : gyp ? 'gyp' : undefined;
    const folder = platform ? `build-${platform}` : openmp ? 'build-openmp' : undefined;
    await buildNative({ builder, out: values.out ?? folder, targets, openmp, platform, sanitize, flags });
  }
} catch (error) {
  if (error instanceof BuildError) console.error(error.message);
  else if (error instanceof TypeError && 'code' in error) console.error(`${error.message}\n${usage}`);
  else throw error;
  process.exitCode = 1;
}
