/**
 * The one typed door to the C++ addon (`native/binding`).
 *
 * A kernel call goes through a shared `Float64Array`, the frame: op, tensors (address, dtype, shape) and
 * parameters are written into it and `run()` reads them, which costs a tenth of passing typed arrays one by one.
 */
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { nativeError } from './errors';

/** What one line of `native/ops.def` declares: the op's name and its parameters, in the order of the frame. */
export interface OpSpec {
  readonly name: string;
  readonly params: readonly string[];
}

/** The facts that the addon knows of itself and the CPU. */
export interface AddonInfo {
  /** The instruction set that runs: `baseline`, `avx2` or `avx512`. */
  readonly isa: string;
  /** All instruction sets that both the build and this CPU have, best last. */
  readonly isas: readonly string[];
  /** Threads that parallel work uses now. */
  readonly threads: number;
  /** What runs parallel work: `pool` or `openmp`. */
  readonly executor: string;
  /** Compiler and its version. */
  readonly compiler: string;
}

/** What a run of a plan resolves to. */
export interface PlanRun {
  /** Steps that were taken. */
  readonly steps: number;
  /** Whether the loss of the step after those was NaN or infinite; that step changed nothing. */
  readonly notFinite: boolean;
  /** The op that refused its arguments. */
  readonly failedOp?: string;
}

/** A lowered training step (native/plan). */
export interface NativePlan {
  /**
   * Takes steps on another thread; one run at a time.
   * @param request as native/binding/plan.cc reads it
   * @param results a row of numbers for each step
   * @param held what owns the memory that the request points into
   */
  run(request: Float64Array, results: Float64Array, held: unknown): Promise<PlanRun>;
  /** The same on this thread. */
  runSync(request: Float64Array, results: Float64Array): PlanRun;
  /** Ends a run after the step that it is at. */
  stop(): void;
}

/** What the addon exports. */
interface Addon {
  readonly ops: readonly OpSpec[];
  readonly frame: Float64Array;
  /** Chooses instruction set and thread count of the process; undefined leaves what is set. */
  configure(isa: string | undefined, threads: number | undefined, winograd?: string): void;
  info(): AddonInfo;
  /** Runs the op in the frame; returns undefined or why it failed. */
  run(): string | undefined;
  /** Copies memory: from, to (addresses) and bytes of each piece, one after the other. */
  copy(pieces: Float64Array): void;
  /**
   * The edge of the tiles in which Winograd's method computes 3x3 convolutions of `depth` channels whose results,
   * `height` x `width` of `columns` channels, are pooled by windows of 2x2; 0 where it does not pay.
   */
  winogradPooledTile(batch: number, height: number, width: number, depth: number, columns: number): number;
  readonly Plan: new (description: Float64Array) => NativePlan;
  /** The address of an array's first byte, valid while the array is alive and not transferred. */
  addressOf(array: ArrayBufferView): number;
}

const root = join(__dirname, '..');

/**
 * The platforms whose prebuilt addon may load here, the likeliest first. On Linux both C libraries are tried,
 * since asking Node which one it runs on (`process.report`) takes longer than loading the addon.
 */
function platforms(): readonly string[] {
  const platform = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' ? [`${platform}-glibc`, `${platform}-musl`] : [platform];
}

function load(): { addon: Addon; file: string } {
  const require = createRequire(__filename);
  const chosen = process.env.TFJS_NATIVE_ADDON;
  const candidates = chosen
    ? [resolve(chosen)]
    : [
        join(root, 'build', 'Release', 'tfjs_native.node'),
        ...platforms().map((platform) => join(root, 'prebuilds', platform, 'tfjs_native.node')),
        ...platforms().map((platform) => `@tfjs-native/${platform}`),
      ];
  const reasons: string[] = [];
  for (const file of candidates) {
    if (file.startsWith(root) && !existsSync(file)) {
      reasons.push(`  ${file}: not there`);
      continue;
    }
    try {
      return { addon: require(file) as Addon, file: require.resolve(file) };
    } catch (error) {
      reasons.push(`  ${file}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  const here = `${process.platform}-${process.arch}, Node ${process.version}`;
  throw nativeError('ADDON_NOT_LOADED', here, reasons.join('\n'));
}

function checkThreads(name: string, value: string | number): number {
  const threads = Number(value);
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw nativeError('INVALID_ARGUMENT', name, value, 'a whole number from 1 to 1024');
  }
  return threads;
}

const loaded = load();
/** The addon's file. */
export const addonFile = loaded.file;
/** The addon itself. Only `src/backend` and `src/compiler` may use it. */
export const addon = loaded.addon;

/** Obeys the environment's settings, which are for the whole process, in the first thread that comes here. */
function configureOnce(): void {
  const done = 'tfjs-native configured';
  if (getEnvironmentData(done)) return;
  const { TFJS_NATIVE_ISA: isa, TFJS_NATIVE_THREADS: threads, TFJS_NATIVE_WINOGRAD: winograd } = process.env;
  if (isa && !addon.info().isas.includes(isa)) {
    throw nativeError('ISA_UNAVAILABLE', isa, addon.info().isas.join(', '));
  }
  if (winograd && !['0', '2', '4', '5'].includes(winograd)) {
    throw nativeError(
      'INVALID_ARGUMENT',
      'TFJS_NATIVE_WINOGRAD',
      winograd,
      '0 (never), 2, 4 or 5 (tiles of that edge wherever possible), or unset (chosen by shape)',
    );
  }
  addon.configure(
    isa || undefined,
    threads ? checkThreads('TFJS_NATIVE_THREADS', threads) : undefined,
    winograd || undefined,
  );
  setEnvironmentData(done, true);
}
configureOnce();

/**
 * Sets how many threads parallel work of this process uses; all its workers share them.
 * @param threads 1 to 1024; more than the CPU's cores is allowed and rarely helps. Default: the physical cores that
 *   the process may use, or the environment variable `TFJS_NATIVE_THREADS`.
 * @throws TfjsNativeError INVALID_ARGUMENT
 */
export function setThreads(threads: number): void {
  addon.configure(undefined, checkThreads('threads', threads));
}
