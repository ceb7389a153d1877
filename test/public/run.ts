/** Runs a piece of JavaScript in a process of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Outcome {
  /** The exit code, or the signal that killed the process. */
  exit: number | string | undefined;
  stdout: string;
  stderr: string;
}

interface Options {
  /** The folder that packages are looked up from. Default: this project's, where 'tfjs-native' is itself. */
  cwd?: string;
  env?: Record<string, string>;
  /** Whether it is an ES module. Default false. */
  esm?: boolean;
  /** A command that runs the command given to it. */
  under?: string[];
  /** The user to run as. */
  uid?: number | undefined;
}

/** The variables of this process but those that are the project's own. */
function outside(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(
    ([key]) => !key.startsWith('TFJS_') || key === 'TFJS_NATIVE_ADDON',
  );
  return Object.fromEntries(kept);
}

export function run(code: string, options: Options = {}): Promise<Outcome> {
  const { cwd = root, env = {}, esm = false, under = [], uid } = options;
  const [command, ...args] = [
    ...under,
    process.execPath,
    ...(esm ? ['--input-type=module'] : []),
    '--eval',
    code,
  ];
  const user = uid === undefined ? {} : { uid };
  return new Promise((done) => {
    execFile(
      command as string,
      args,
      { cwd, env: { ...outside(), ...env }, ...user },
      (error, stdout, stderr) => {
        done({ exit: error ? (error.code ?? error.signal ?? undefined) : 0, stdout, stderr });
      },
    );
  });
}

/** What the code prints, as JSON. */
export async function output(code: string, options?: Options): Promise<unknown> {
  const { exit, stdout, stderr } = await run(code, options);
  if (exit !== 0) throw new Error(`Exit ${exit}: ${stderr}`);
  return JSON.parse(stdout);
}
