/**
 * `npm run parity`: the backends side by side, on a real TensorFlow: sets one up (once, in ~/.cache/tfjs-native), runs
 * test/tensorflow, and writes the largest difference of each op and model to parity-report/parity.md and parity.json.
 * `DRAWS=100` draws more shapes of each op, `SEED` others; `TENSORFLOW_PROJECT` is a project that is set up already.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tfjs-native');
const given = process.env.TENSORFLOW_PROJECT;
const project = given ?? join(cache, 'tfjs-node-2.9.1');

/** @param {string} command @param {string[]} args @param {Record<string, string>} [settings] */
function run(command, args, settings = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { TF_CPP_MIN_LOG_LEVEL: '3', ...process.env, ...settings },
  });
  return status ?? 1;
}

/** @typedef {{ subject: string, what: string, sides: string, difference: number, bound: number }} Finding */

/** The worst finding of each subject and pair of sides, by its share of what rounding allows. @param {Finding[]} all */
function worst(all) {
  /** @type {Map<string, Finding>} */
  const kept = new Map();
  for (const finding of all) {
    const key = `${finding.subject} ${finding.sides}`;
    const before = kept.get(key);
    if (before === undefined || finding.difference / finding.bound > before.difference / before.bound)
      kept.set(key, finding);
  }
  return [...kept.values()];
}

/** @param {Finding[]} rows @param {number} count */
function markdown(rows, count) {
  const lines = rows.map(({ subject, sides, what, difference, bound }) => {
    const share = `${((100 * difference) / bound).toFixed(0)}%`;
    return `| ${subject} | ${sides} | ${what} | ${difference.toExponential(1)} | ${bound.toExponential(1)} | ${share} |`;
  });
  return `# Parity of backends

${count} comparisons; of each op or model and pair of backends the one that comes nearest to its bound, which follows from
the lengths of the sums (test/tensorflow).

| of | backends | in | difference | bound | share |
|---|---|---|---|---|---|
${lines.join('\n')}
`;
}

if (given === undefined && run('scripts/setup-tensorflow.sh', [project, 'cpu']) !== 0) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-parity-'));
const file = join(folder, 'findings.jsonl');
writeFileSync(file, '');
const status = run(process.execPath, [vitest, 'run', 'test/tensorflow'], {
  TENSORFLOW_PROJECT: project,
  PARITY_FINDINGS: file,
});
/** @type {Finding[]} */
const findings = readFileSync(file, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
rmSync(folder, { recursive: true });
const rows = worst(findings);
const report = join(root, 'parity-report');
mkdirSync(report, { recursive: true });
writeFileSync(join(report, 'parity.json'), `${JSON.stringify(rows, null, 1)}\n`);
writeFileSync(join(report, 'parity.md'), markdown(rows, findings.length));
console.log(`${findings.length} comparisons, the worst of each op and model: parity-report/parity.md`);
process.exit(status);
