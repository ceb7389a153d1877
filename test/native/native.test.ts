/**
 * The C++ tests: every native op against its double-precision twin under every instruction set and several thread
 * counts, and the twins' gradients against finite differences. `npm test` builds them; here they run.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const declared = readFileSync(join(root, 'native/ops.def'), 'utf8').matchAll(/^OP\((\w+),/gm);
const ops = [...declared].map(([, name]) => name as string);

let exit: number | string | null | undefined;
let output: string;

beforeAll(async () => {
  await new Promise<void>((done) => {
    execFile(join(root, 'build/native-tests'), { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      exit = error ? (error.code ?? error.signal) : 0;
      output = stdout + stderr;
      done();
    });
  });
  console.log(output.split('\n', 1)[0]);
}, 900_000);

it.each(ops)('%s', (op) => {
  const verdict = output.split('\n').find((line) => new RegExp(`^(ok|FAIL) ${op}: `).test(line));
  expect(verdict ?? output.slice(-2000)).toMatch(/^ok /);
});

it('ends with no failure anywhere', () => {
  expect(output.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(output).toMatch(/^\d+ cases, 0 failures$/m);
  expect(exit).toBe(0);
});
