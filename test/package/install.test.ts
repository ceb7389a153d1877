/** The packed package, installed where nothing can be compiled and no script runs. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

let folder: string;
let project: string;
let env: NodeJS.ProcessEnv;
let packed: Packed;

/** Where a program of the PATH is. */
function find(program: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = folders.find((path) => {
    try {
      return readdirSync(path).includes(program);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`No ${program} on the PATH`);
  return realpathSync(join(found, program));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-native-package-'));
  const bin = join(folder, 'bin');
  project = join(folder, 'project');
  mkdirSync(bin);
  mkdirSync(project);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(find('npm'), join(bin, 'npm'));
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TFJS_'));
  env = { ...Object.fromEntries(kept), PATH: bin };

  await run(process.execPath, [join(root, 'scripts/prebuild.mjs')]);
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  [packed] = JSON.parse(stdout) as [Packed];
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  await run('npm', ['install', ...options, join(folder, packed.filename)], { cwd: project, env });
  copyFileSync(join(import.meta.dirname, 'use.cjs'), join(project, 'use.cjs'));
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true }));

it('holds the built package, the prebuilt addon and the native sources, and nothing else', () => {
  console.log(
    `${packed.filename}: ${(packed.size / 1e6).toFixed(2)} MB, unpacked ${(packed.unpackedSize / 1e6).toFixed(2)} MB`,
  );
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toContain('dist/index.js');
  expect(paths).toContain('dist/index.mjs');
  expect(paths).toContain('dist/index.d.ts');
  expect(paths).toContain('native/sources.json');
  expect(paths).toContain('native/binding/addon.cc');
  expect(paths).toContain('LICENSE');
  expect(paths.filter((path) => path.startsWith('prebuilds/'))).toHaveLength(1);
  // npm runs node-gyp by itself where it sees a binding.gyp.
  const folders = /^(dist|native|prebuilds)\//;
  const files = [
    'docs/gpu.md',
    'scripts/setup-tensorflow.sh',
    'package.json',
    'README.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'LICENSE',
    'CMakeLists.txt',
  ];
  expect(paths.filter((path) => !folders.test(path)).sort()).toEqual(files.sort());
  expect(paths.filter((path) => /test|reference|\.tsbuildinfo|\.node$/.test(path))).toEqual([
    expect.stringMatching(/^prebuilds\/[\w-]+\/tfjs_native\.node$/),
  ]);
});

it('declares no install script', async () => {
  const { stdout } = await run('npm', ['pkg', 'get', 'scripts', 'gypfile'], {
    cwd: join(project, 'node_modules/tfjs-native'),
    env,
  });
  const { scripts, gypfile } = JSON.parse(stdout) as { scripts: Record<string, string>; gypfile: boolean };
  expect(gypfile).toBe(false);
  expect(Object.keys(scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
});

it.each([
  [
    'import',
    'use.mjs',
    `import * as tf from 'tfjs-native';\nimport { use } from './use.cjs';\nawait use(tf);\n`,
  ],
  ['require', 'main.cjs', `require('./use.cjs').use(require('tfjs-native'));\n`],
])('trains, saves and loads by %s', async (_, file, program) => {
  writeFileSync(join(project, file), program);
  const { stdout } = await run('node', [file], { cwd: project, env });
  const { losses, before, after, info } = JSON.parse(stdout);
  expect(losses).toHaveLength(5);
  for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1]);
  expect(after).toEqual(before);
  expect(info.backend).toBe('native');
  expect(info.addon).toMatch(/project\/node_modules\/tfjs-native\/prebuilds\/[\w-]+\/tfjs_native\.node$/);
});

it('brings the command tfjs-native', async () => {
  const { stdout } = await run(join(project, 'node_modules/.bin/tfjs-native'), ['info', '--json'], {
    cwd: project,
    env,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    backend: 'native',
    addon: expect.stringContaining('/prebuilds/'),
  });
});
