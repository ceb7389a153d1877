/** Runs the built command line in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const main = join(__dirname, '../../dist/cli/main.js');

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly node?: readonly string[];
  /** Called whenever standard output has grown, with all of it. */
  readonly onOutput?: (stdout: string, child: ChildProcess) => void;
  /** A shell command in front, such as a limit. */
  readonly shell?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `tfjs-native` and waits for its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { cwd, env, node = [], onOutput, shell } = options;
  const words = [process.execPath, ...node, main, ...args];
  const [file, rest] =
    shell === undefined ? [words[0], words.slice(1)] : ['sh', ['-c', `${shell}; exec "$@"`, 'sh', ...words]];
  return new Promise((resolve, reject) => {
    const child = spawn(file as string, rest, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The JSON objects, one a line. */
export function lines(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
