/**
 * Reads the object files of the kernels: none may define a weak symbol outside of its instruction set's namespace.
 * The linker keeps one copy of such a symbol for everyone, maybe the one with instructions that the CPU lacks.
 * usage: node scripts/check-objects.mjs [FOLDER of a CMake build]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build = process.argv[2] ?? join(dirname(dirname(fileURLToPath(import.meta.url))), 'build');
/** @type {{ command: string }[]} */
const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'));

const objects = commands.flatMap(({ command }) => {
  const object = / -o (\S+\.o) /.exec(command)?.[1];
  const isa = /\/kernels_(\w+)\.dir\//.exec(object ?? '')?.[1];
  return isa && object && !object.includes('scripts/bench/') ? [{ isa, object }] : [];
});
if (objects.length === 0) throw new Error(`No kernels in ${build}/compile_commands.json`);

let found = 0;
for (const { isa, object } of objects) {
  const namespace = `${isa.length}${isa}`;
  const symbols = execFileSync('nm', ['--defined-only', '--format=posix', object], {
    cwd: build,
    encoding: 'utf8',
  });
  for (const line of symbols.split('\n')) {
    const [symbol = '', kind = ''] = line.split(' ');
    if (!/^[WVu]$/i.test(kind) || symbol.includes(namespace)) continue;
    // A pointer to the C++ runtime's unwinder, in whatever frees memory when an exception passes: no code.
    if (symbol === 'DW.ref.__gxx_personality_v0') continue;
    const name = execFileSync('c++filt', [symbol], { encoding: 'utf8' }).trim();
    console.error(`${object}: ${name}`);
    found++;
  }
}
if (found > 0) {
  console.error(
    `${found} weak symbols outside of the instruction set's namespace: inline them or make them static.`,
  );
  process.exitCode = 1;
} else {
  console.log(`${objects.length} object files of kernels: no weak symbols to share`);
}
