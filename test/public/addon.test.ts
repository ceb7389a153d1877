/** An addon that cannot be loaded makes the import fail, with the reason and the remedy. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, root, run } from './run';

/** A copy of the package without an addon. */
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'tfjs-native-no-addon-'));
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
});
afterAll(() => rmSync(copy, { recursive: true }));

const env = { TFJS_NATIVE_ADDON: '' };
const here = `${process.platform}-${process.arch}`;
const platforms = process.platform === 'linux' ? [`${here}-glibc`, `${here}-musl`] : [here];

describe.each([
  ['import', `import('tfjs-native')`],
  ['require', `Promise.resolve().then(() => require('tfjs-native'))`],
])('%s', (_, load) => {
  const report = `${load}.then(
    () => console.log(JSON.stringify(['loaded'])),
    (error) => console.log(JSON.stringify([error.name, error.code, error.message])))`;

  it('tells every place that was looked at, and what to do', async () => {
    const [name, code, message] = (await output(report, { cwd: copy, env })) as string[];
    expect([name, code]).toEqual(['TfjsNativeError', 'ADDON_NOT_LOADED']);
    expect(message).toContain(`could not be loaded on ${here}, Node ${process.version}.`);
    expect(message).toContain(`${join(copy, 'build', 'Release', 'tfjs_native.node')}: not there`);
    for (const platform of platforms) {
      expect(message).toContain(`${join(copy, 'prebuilds', platform, 'tfjs_native.node')}: not there`);
      expect(message).toContain(`@tfjs-native/${platform}: Cannot find module`);
    }
    expect(message).toMatch(/Remedy: reinstall tfjs-native .* or, in a checkout, run `npm run \w+`\./);
  });

  it('tells why a broken file was refused', async () => {
    const file = join(copy, 'prebuilds', platforms[0] as string, 'tfjs_native.node');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'This is no addon.');
    const [, code, message] = (await output(report, { cwd: copy, env })) as string[];
    rmSync(join(copy, 'prebuilds'), { recursive: true });
    expect(code).toBe('ADDON_NOT_LOADED');
    expect(message).toMatch(
      new RegExp(`${file.replaceAll('\\', '\\\\')}: .*(invalid|not a|too short|mach-o)`, 'i'),
    );
  });

  it('refuses an addon of another version, which lacks an op', async () => {
    const file = join(copy, 'older.cjs');
    const addon = JSON.stringify(
      process.env.TFJS_NATIVE_ADDON || join(root, 'build/Release/tfjs_native.node'),
    );
    writeFileSync(
      file,
      `const addon = require(${addon});
       module.exports = { ...addon, ops: addon.ops.filter(({ name }) => name !== 'ReluGrad') };`,
    );
    const [, code, message] = (await output(report, {
      cwd: copy,
      env: { TFJS_NATIVE_ADDON: file },
    })) as string[];
    expect(code).toBe('ADDON_MISMATCH');
    expect(message).toContain(`${file} does not have ReluGrad`);
    expect(message).toContain('Remedy: reinstall');
  });
});

it('an import that nobody catches ends the process with the message', async () => {
  const { exit, stderr } = await run(`import 'tfjs-native'`, { cwd: copy, env, esm: true });
  expect(exit).toBe(1);
  expect(stderr).toContain('Remedy: reinstall');
});
