/**
 * Puts the built addon where `npm pack` takes it along: prebuilds/<platform>/tfjs_native.node. The loader in
 * src/binding.ts looks there by the same names. `--platform linux-arm64` builds and packs that one instead.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildNative } from './native-builders.mjs';

/** `linux-x64-glibc`, `linux-arm64-musl`, `darwin-arm64`, `win32-x64` … */
function platformName() {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return platform;
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return `${platform}-${report.header.glibcVersionRuntime ? 'glibc' : 'musl'}`;
}

/** @typedef {import('./native-builders.mjs').Platform} Platform */
const { platform } = /** @type {{ platform?: Platform }} */ (
  parseArgs({ options: { platform: { type: 'string' } } }).values
);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = platform ? `build-${platform}` : 'build';
const { tfjs_native } = await buildNative({ out, platform });
// Debian's cross-compilers build against glibc.
const folder = join(root, 'prebuilds', platform ? `${platform}-glibc` : platformName());
const file = join(folder, 'tfjs_native.node');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
copyFileSync(tfjs_native, file);

let content = 'for another platform, so not loaded here';
if (!platform) {
  // Loads it once, to see that it is whole.
  const script =
    'const { ops, info } = require(process.argv[1]); console.log(ops.length, info().isas.join(", "))';
  const loaded = execFileSync(process.execPath, ['-e', script, file], { encoding: 'utf8' });
  const [ops, ...isas] = loaded.trim().split(' ');
  content = `${ops} ops, instruction sets ${isas.join(' ')}`;
}
console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(2)} MB, ${content}`);
