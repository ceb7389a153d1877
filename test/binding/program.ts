/** Runs a program of test/binding/programs in a process of its own, with settings in the environment. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export interface Outcome {
  /** The exit code, or the signal that killed the process. */
  exit: number | string | undefined;
  stderr: string;
  /** What it printed: JSON. */
  output: unknown;
}

/** @param settings environment variables; the project's own that are set outside are left out, but for the addon */
export function runProgram(name: string, args: string[] = [], settings: Record<string, string> = {}) {
  const outside = Object.entries(process.env).filter(
    ([key]) => !key.startsWith('TFJS_') || key === 'TFJS_NATIVE_ADDON',
  );
  const env = { ...Object.fromEntries(outside), ...settings };
  const file = join(import.meta.dirname, 'programs', name);
  return new Promise<Outcome>((done) => {
    execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) => {
      const exit = error ? (error.code ?? error.signal ?? undefined) : 0;
      done({ exit, stderr, output: stdout === '' ? undefined : JSON.parse(stdout) });
    });
  });
}
