/**
 * Reads the addon's object files, that no CPU meets instructions that it lacks:
 * - Those of the kernels may not define a weak symbol outside of their instruction set's namespace. The linker keeps
 *   one copy of such a symbol for everyone, maybe the one with the widest instructions.
 * - On x86-64 no object may have instructions beyond its set: what all share is compiled as `baseline` or less.
 * usage: node scripts/check-objects.mjs [FOLDER of a CMake build]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build = process.argv[2] ?? join(dirname(dirname(fileURLToPath(import.meta.url))), 'build');
/** @type {{ command: string }[]} */
const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'));

/** Where the addon's object files are, and the instruction set of those that are compiled for one. */
const objects = commands.flatMap(({ command }) => {
  const object = / -o (\S+\.o) /.exec(command)?.[1];
  const [, target, isa] = /CMakeFiles\/(core|tfjs_native|kernels_(\w+))\.dir\//.exec(object ?? '') ?? [];
  return object && target ? [{ object, isa }] : [];
});
const kernels = objects.filter(({ isa }) => isa !== undefined);
if (kernels.length === 0) throw new Error(`No kernels in ${build}/compile_commands.json`);

/** @type {string[]} */
const problems = [];

/**
 * @param {string} program
 * @param {string[]} args
 */
const output = (program, ...args) =>
  execFileSync(program, args, { cwd: build, encoding: 'utf8', maxBuffer: 2 ** 30 });

for (const { isa, object } of kernels) {
  const namespace = `${isa?.length}${isa}`;
  for (const line of output('nm', '--defined-only', '--format=posix', object).split('\n')) {
    const [symbol = '', kind = ''] = line.split(' ');
    if (!/^[WVu]$/i.test(kind) || symbol.includes(namespace)) continue;
    // A pointer to the C++ runtime's unwinder, in whatever frees memory when an exception passes: no code.
    if (symbol === 'DW.ref.__gxx_personality_v0') continue;
    const name = output('c++filt', symbol).trim();
    problems.push(`${object}: ${name} is a weak symbol: inline it or make it static.`);
  }
}

// Lines of objdump: the address, the bytes, the instruction. In 64-bit code a first byte of c4 or c5 says VEX (AVX,
// BMI), 62 says EVEX (AVX-512).
const beyondBaseline = /:\t(6[457] )*(c4|c5|62) |\t(lzcnt|tzcnt|movbe)\b/;
const beyondAvx2 = /:\t(6[457] )*62 /;

/**
 * Whether it is x86-64 code, by the machine of its ELF header.
 * @param {string} object
 */
const isX64 = (object) => readFileSync(join(build, object)).readUInt16LE(18) === 62;

const limited = objects.filter(({ isa, object }) => isa !== 'avx512' && isX64(object));
for (const { isa, object } of limited) {
  const beyond = isa === 'avx2' ? beyondAvx2 : beyondBaseline;
  const lines = output('objdump', '-d', '--insn-width=16', object).split('\n');
  const stray = lines.filter((line) => beyond.test(line));
  if (stray.length > 0) {
    const first = stray[0]?.split('\t')[2];
    problems.push(`${object}: ${stray.length} instructions beyond ${isa ?? 'baseline'}, such as ${first}`);
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
} else {
  console.log(
    `${kernels.length} object files of kernels: no weak symbols to share; ` +
      `${limited.length} object files: no instructions beyond their set`,
  );
}
