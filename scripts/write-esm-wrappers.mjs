/**
 * Writes the ESM side of every entry of package.json's "exports" that has an `import` condition: an `index.mjs`
 * that re-exports the CommonJS module beside it by name, and its `index.d.mts`. So there is one instance of
 * everything however it is imported. The names are those that the built module has, so the addon must be built.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** Other processes may be importing the file just now, and must see a whole one. */
function write(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}

function wrapper(file, names) {
  return [
    "import { createRequire } from 'node:module';",
    // Not `import`: Node would scan megabytes of TensorFlow.js for the names that stand here.
    `const module = createRequire(import.meta.url)('./${basename(file)}');`,
    'export default module;',
    `export const {\n${names.map((name) => `  ${name},\n`).join('')}} = module;`,
    '',
  ].join('\n');
}

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
for (const [entry, conditions] of Object.entries(exports)) {
  if (conditions.import === undefined) continue;
  const file = join(root, conditions.require.default);
  if (!existsSync(file))
    throw new Error(`The entry "${entry}" of package.json has no ${file}: run tsc first.`);
  const names = Object.keys(require(file)).sort();
  write(join(root, conditions.import.default), wrapper(file, names));
  const types = `export * from './${basename(file)}';\nexport { default } from './${basename(file)}';\n`;
  write(join(root, conditions.import.types), types);
}
