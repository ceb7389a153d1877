/**
 * A Node module-resolution hook, under which tfjs-core's `dist` (ES modules written for bundlers) loads in plain
 * Node. Works both with `module.registerHooks` and with the older `module.register`.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const coreDist = '/@tensorflow/tfjs-core/dist/';
// What the package replaces among tfjs-core's exports: the suite tests the replacements.
const replaced =
  /\/ops\/(random_uniform|random_uniform_int|random_normal|random_standard_normal|truncated_normal|dropout|multinomial)$/;
const replacedShim = new URL('./replaced-shim.mjs', import.meta.url).href;
const seedrandomShim = new URL('./seedrandom-shim.mjs', import.meta.url).href;

function moduleAt(url) {
  // `./tensor` is a file beside, or a folder with an index.
  return [url, `${url}.js`, `${url}/index.js`].find((candidate) => {
    return candidate.endsWith('.js') && existsSync(fileURLToPath(candidate));
  });
}

export function resolve(specifier, context, nextResolve) {
  const fromCore = context.parentURL?.includes(coreDist) ?? false;
  if (fromCore && specifier === 'seedrandom') return { url: seedrandomShim, shortCircuit: true };
  const target =
    fromCore && specifier.startsWith('.') ? new URL(specifier, context.parentURL).href : specifier;
  if (fromCore && replaced.test(target)) return { url: replacedShim, shortCircuit: true };
  const url = target.startsWith('file:') && target.includes(coreDist) ? moduleAt(target) : undefined;
  return url ? { url, format: 'module', shortCircuit: true } : nextResolve(specifier, context);
}
