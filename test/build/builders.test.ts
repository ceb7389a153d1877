/** Each builder makes a working addon, and all make the same one. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { availableBuilders, buildNative } from '../../scripts/native-builders.mjs';

interface Op {
  name: string;
  params: string[];
}
interface Smoke {
  ops: Op[];
  isas: string[];
  executor: string;
  values: number[];
  results: { isa: string; failure?: string; y: number[] }[];
}

const root = join(import.meta.dirname, '../..');
const builders = availableBuilders();
const seen = new Map<string, Smoke>();

// The preferred builder has made the addon that all tests use. The other one compiles quickly rather than well:
// what is tested is the building.
beforeAll(async () => {
  for (const builder of builders) {
    const quick = builder === builders[0] ? {} : { out: `build-smoke-${builder}`, flags: '-O1' };
    const { tfjs_native } = await buildNative({ builder, ...quick });
    const script = join(import.meta.dirname, 'run-addon.cjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, tfjs_native]);
    seen.set(builder, JSON.parse(stdout) as Smoke);
  }
}, 900_000);

describe.each(builders)('an addon built with %s', (builder) => {
  it('has every op of native/ops.def, in its order', () => {
    const text = readFileSync(join(root, 'native/ops.def'), 'utf8');
    const declared = [...text.matchAll(/^OP\((\w+),/gm)].map(([, name]) => name);
    expect(seen.get(builder)?.ops.map(({ name }) => name)).toEqual(declared);
  });

  it('computes under each instruction set', () => {
    const { values, results, isas } = seen.get(builder) as Smoke;
    const y = values.map((x) => Math.max(x, 0));
    expect(isas).toContain('baseline');
    expect(results).toEqual(isas.map((isa) => ({ isa, y })));
  });
});

it('has the same ops, instruction sets and executor whoever built it', () => {
  const [first, ...others] = [...seen.values()];
  expect(first).toBeDefined();
  for (const other of others) expect(other).toEqual(first);
});
