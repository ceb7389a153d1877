/** The two builders of the C++ code: CMake, and node-gyp where CMake is missing. */
import { execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js');

/** What each target makes, within the build's folder. */
const artifacts = { tfjs_native: join('Release', 'tfjs_native.node'), 'native-tests': 'native-tests' };

/** Other platforms to build for, each with the compiler that scripts/<platform>.cmake names and its Debian package. */
const crossCompilers = {
  'linux-arm64': { program: 'aarch64-linux-gnu-g++', package: 'g++-aarch64-linux-gnu' },
};

/** @typedef {keyof typeof crossCompilers} Platform */
/** @typedef {keyof typeof artifacts} Target */
/** @typedef {'cmake' | 'gyp'} Builder */
/**
 * @typedef {object} Build
 * @property {Builder} builder
 * @property {string} out the folder
 * @property {Target[]} targets
 * @property {boolean} openmp run parallel work on OpenMP instead of the pool; needs CMake
 * @property {string} sanitize sanitizers, as -fsanitize takes them; needs CMake
 * @property {string} flags compiler flags, added last
 * @property {Platform | undefined} platform another one to build for; needs CMake
 */

/** @param {string} program */
function onPath(program) {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program + suffix), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function hasCMake() {
  if (!onPath('cmake') || !(onPath('ninja') || onPath('make') || process.platform === 'win32')) return false;
  const version = /(\d+)\.(\d+)/.exec(execFileSync('cmake', ['--version'], { encoding: 'utf8' }));
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  return major > 3 || (major === 3 && minor >= 19);
}

function hasCompiler() {
  if (process.platform === 'win32' || process.env.CXX) return true;
  return ['c++', 'g++', 'clang++'].some(onPath);
}

/**
 * The builders whose programs are there, the preferred one first.
 * @returns {Builder[]}
 */
export function availableBuilders() {
  if (!hasCompiler()) return [];
  const gyp = process.platform === 'win32' || (onPath('make') && (onPath('python3') || onPath('python')));
  const usable = { cmake: hasCMake(), gyp };
  return /** @type {Builder[]} */ (['cmake', 'gyp']).filter((builder) => usable[builder]);
}

/**
 * @param {string} program
 * @param {string} use what it is for
 * @param {string} debianPackage
 * @throws {BuildError} saying how to get it
 */
export function requireProgram(program, use, debianPackage) {
  if (onPath(program)) return;
  throw new BuildError(
    `Found no ${program} on the PATH, which ${use} needs.\n  Debian, Ubuntu   apt-get install ${debianPackage}`,
  );
}

const remedy = `tfjs-native is built with a C++20 compiler (GCC 11, Clang 14 or newer), and CMake 3.19 or make and python3:
  Debian, Ubuntu   apt-get install g++ make cmake python3
  Fedora, RHEL     dnf install gcc-c++ make cmake python3
  Alpine           apk add g++ make cmake python3 linux-headers
  macOS            xcode-select --install`;

/** What went wrong, for people: the compiler's output, or what is missing and how to get it. */
export class BuildError extends Error {}

/**
 * Runs a step with its output held back; a failure shows it.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
function run(command, args, options) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', failed);
    child.on('close', (code, signal) => {
      if (code === 0) return done(undefined);
      const step = `${basename(command)} ${args.join(' ')}`;
      failed(new BuildError(`${output.trimEnd()}\n\nFailed (${signal ?? `exit code ${code}`}): ${step}`));
    });
  });
}

/**
 * @param {Build} build
 * @param {boolean} configure
 */
async function buildWithCMake(build, configure) {
  const { out, targets, openmp, sanitize, flags, platform } = build;
  if (configure) {
    const defines = {
      TFJS_NATIVE_OPENMP: openmp ? 'ON' : 'OFF',
      TFJS_NATIVE_SANITIZE: sanitize,
      TFJS_NATIVE_FLAGS: flags,
      ...(platform && { CMAKE_TOOLCHAIN_FILE: join(root, 'scripts', `${platform}.cmake`) }),
    };
    const options = Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`);
    await run(process.execPath, [cmakeJs, 'configure', '--out', out, ...options], { cwd: root });
  }
  await run('cmake', ['--build', out, '--target', ...targets, '--parallel', String(availableParallelism())], {
    cwd: root,
  });
}

/**
 * Renames a copy into place: a process that has an addon loaded would crash if it were written over.
 * @param {string} from
 * @param {string} to
 */
function copyIfChanged(from, to) {
  if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) return;
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

/**
 * node-gyp knows only the folder `build` beside binding.gyp, which is CMake's: it gets a folder of its own with
 * links to the sources.
 * @param {Build} build
 */
async function buildWithGyp(build) {
  const folder = join(build.out, 'gyp');
  mkdirSync(join(build.out, 'Release'), { recursive: true });
  mkdirSync(folder, { recursive: true });
  copyIfChanged(join(root, 'binding.gyp'), join(folder, 'binding.gyp'));
  for (const name of ['native', 'test']) {
    if (!existsSync(join(folder, name))) symlinkSync(join(root, name), join(folder, name), 'junction');
  }
  const prefix = resolve(dirname(process.execPath), process.platform === 'win32' ? '.' : '..');
  const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const env = { ...process.env, CXXFLAGS: `${process.env.CXXFLAGS ?? ''} ${build.flags}`.trim() };
  const options = { cwd: folder, env };
  // Always, as it does not notice a change of sources.json; it leaves what stays the same alone.
  await run(process.execPath, [nodeGyp, 'configure', ...headers], options);
  await run(process.execPath, [nodeGyp, 'build', '--jobs', 'max', ...build.targets], options);
  for (const target of build.targets) {
    const file = artifacts[target];
    copyIfChanged(join(folder, 'build', 'Release', basename(file)), join(build.out, file));
  }
}

/**
 * @param {Builder | undefined} wanted
 * @param {boolean} needsCMake
 */
function chooseBuilder(wanted, needsCMake) {
  const builders = availableBuilders();
  const builder = wanted ?? (needsCMake ? 'cmake' : builders[0]);
  if (needsCMake && builder !== 'cmake')
    throw new BuildError('OpenMP, sanitizers and other platforms need --cmake.');
  if (builder !== undefined && builders.includes(builder)) return builder;
  const programs = {
    cmake: 'CMake 3.19 or newer',
    gyp: 'make with python3',
    any: 'CMake and no make with python3',
  };
  const missing = hasCompiler() ? programs[builder ?? 'any'] : 'C++ compiler';
  throw new BuildError(`Found no ${missing} on the PATH.\n${remedy}`);
}

/**
 * Builds what changed, and returns the built files by target.
 * @param {{ [Key in keyof Build]?: Build[Key] | undefined }} [wanted] by default the addon, into `build`, with
 *   CMake where it is there
 * @returns {Promise<Record<Target, string>>}
 * @throws {BuildError}
 */
export async function buildNative(wanted = {}) {
  const { targets = ['tfjs_native'], openmp = false, sanitize = '', flags = '', platform } = wanted;
  const out = resolve(root, wanted.out ?? 'build');
  const builder = chooseBuilder(wanted.builder, openmp || sanitize !== '' || platform !== undefined);
  if (platform) {
    const compiler = crossCompilers[platform];
    if (!compiler) {
      const known = Object.keys(crossCompilers).join(' or ');
      throw new BuildError(`The platform is ${platform}; expected ${known}.`);
    }
    requireProgram(compiler.program, `a build for ${platform}`, compiler.package);
  }
  const build = { builder, out, targets, openmp, sanitize, flags, platform };
  const files = /** @type {Record<Target, string>} */ (
    Object.fromEntries(Object.entries(artifacts).map(([target, file]) => [target, join(out, file)]))
  );
  const stamp = join(out, 'options.json');
  const options = JSON.stringify({ ...build, targets: undefined });
  const sameOptions = existsSync(stamp) && readFileSync(stamp, 'utf8') === options;
  if (!sameOptions) {
    // What another builder or other flags made must not pass for up to date.
    for (const file of [stamp, ...Object.values(files)]) rmSync(file, { force: true });
  }
  const notice = setTimeout(() => {
    console.error(`Building the C++ code with ${builder === 'gyp' ? 'node-gyp' : 'CMake'} ...`);
  }, 2000);
  try {
    if (builder === 'cmake') await buildWithCMake(build, !sameOptions);
    else await buildWithGyp(build);
  } finally {
    clearTimeout(notice);
  }
  writeFileSync(stamp, options);
  return files;
}
