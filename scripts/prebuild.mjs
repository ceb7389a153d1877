/**
 * Puts the built addon where `npm pack` takes it along: prebuilds/<platform>/tfjs_native.node. The loader in
 * src/binding.ts looks there by the same names.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `linux-x64-glibc`, `linux-arm64-musl`, `darwin-arm64`, `win32-x64` … */
function platformName() {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return platform;
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return `${platform}-${report.header.glibcVersionRuntime ? 'glibc' : 'musl'}`;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'prebuilds', platformName());
const file = join(folder, 'tfjs_native.node');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
copyFileSync(join(root, 'build', 'Release', 'tfjs_native.node'), file);

// Loads it once, to see that it is whole.
const script =
  'const { ops, info } = require(process.argv[1]); console.log(ops.length, info().isas.join(", "))';
const [ops, ...isas] = execFileSync(process.execPath, ['-e', script, file], { encoding: 'utf8' })
  .trim()
  .split(' ');
console.log(
  `${file}: ${(statSync(file).size / 1e6).toFixed(2)} MB, ${ops} ops, instruction sets ${isas.join(' ')}`,
);
