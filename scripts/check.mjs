/** `npm run check`: every check, all of them even when one fails, and which failed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
// Types and unused code are judged with the built package, object files with the built addon.
const steps = ['compile', ...Object.keys(scripts).filter((name) => name.startsWith('check:'))];

const failed = [];
for (const step of steps) {
  const start = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', step], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'passed' : 'FAILED'}  ${step} (${seconds} s)`);
  if (status !== 0) failed.push(step);
}
if (failed.length > 0) {
  console.error(`${failed.length} of ${steps.length} checks failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
