/** Models in folders: the layout of tfjs-node, and nothing lost when saving fails. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import * as tf from 'tfjs-native';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { output } from './run';

let all: string;
let folder: string;
beforeAll(() => {
  all = mkdtempSync(join(tmpdir(), 'tfjs-native-io-'));
  chmodSync(all, 0o777);
});
beforeEach(() => {
  folder = mkdtempSync(join(all, 'model-'));
});
afterAll(() => rmSync(all, { recursive: true }));

const x = tf.tensor2d([[1, 2, 3]]);
const predict = (model: tf.LayersModel) => (model.predict(x) as tf.Tensor).arraySync();

function makeModel(units = 2): tf.Sequential {
  const model = tf.sequential({ layers: [tf.layers.dense({ units, inputShape: [3], name: 'first' })] });
  model.layers[0]?.setWeights([tf.range(0, 3 * units).reshape([3, units]), tf.ones([units])]);
  return model;
}

describe('saving', () => {
  it('writes model.json and weights.bin and nothing else', async () => {
    const result = await makeModel().save(`file://${folder}`);
    expect(readdirSync(folder).sort()).toEqual(['model.json', 'weights.bin']);
    expect([...new Float32Array(new Uint8Array(readFileSync(join(folder, 'weights.bin'))).buffer)]).toEqual([
      0, 1, 2, 3, 4, 5, 1, 1,
    ]);
    const json = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as tf.io.ModelJSON;
    expect(json.format).toBe('layers-model');
    expect(json.weightsManifest).toEqual([
      {
        paths: ['weights.bin'],
        weights: [
          { name: 'first/kernel', shape: [3, 2], dtype: 'float32' },
          { name: 'first/bias', shape: [2], dtype: 'float32' },
        ],
      },
    ]);
    expect(result.modelArtifactsInfo).toMatchObject({ modelTopologyType: 'JSON', weightDataBytes: 32 });
  });

  it('makes folders that are not there, and takes relative paths', async () => {
    const deep = join(folder, 'a', 'b');
    await makeModel().save(`file://${relative(process.cwd(), deep)}`);
    expect(readdirSync(deep).sort()).toEqual(['model.json', 'weights.bin']);
  });

  it('keeps everything else that a model carries', async () => {
    const artifacts: tf.io.ModelArtifacts = {
      modelTopology: { any: 'thing' },
      format: 'graph-model',
      generatedBy: 'a test',
      convertedBy: null,
      trainingConfig: { optimizer_config: {}, loss: 'meanSquaredError' },
      signature: { inputs: {} },
      userDefinedMetadata: { author: { name: 'me' } },
      modelInitializer: { node: [] },
      initializerSignature: { outputs: {} },
      weightSpecs: [{ name: 'w', shape: [3], dtype: 'int32' }],
      weightData: [new Int32Array([1, 2]).buffer, new Int32Array([3]).buffer],
    };
    await tf.io.fileSystem(folder).save(artifacts);
    const loaded = await tf.io.fileSystem(folder).load();
    expect(loaded).toEqual({ ...artifacts, weightData: new Int32Array([1, 2, 3]).buffer });
  });

  it('replaces a model that is there', async () => {
    await makeModel(4).save(`file://${folder}`);
    await makeModel(2).save(`file://${folder}`);
    expect(predict(await tf.loadLayersModel(`file://${folder}`))).toEqual(predict(makeModel(2)));
    expect(readdirSync(folder).sort()).toEqual(['model.json', 'weights.bin']);
  });

  it('saves the optimizer with includeOptimizer, so that training goes on', async () => {
    const model = makeModel();
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    await model.fit(x, tf.zeros([1, 2]), { epochs: 2, verbose: 0 });
    await model.save(`file://${folder}`, { includeOptimizer: true });
    const again = await tf.loadLayersModel(`file://${folder}`);
    const names = (weights: { name: string }[]) => weights.map(({ name }) => name);
    expect(names(await again.optimizer.getWeights())).toEqual(names(await model.optimizer.getWeights()));
    for (const each of [model, again]) await each.fit(x, tf.zeros([1, 2]), { verbose: 0 });
    expect(predict(again)).toEqual(predict(model));
  });
});

describe('loading', () => {
  it('takes a folder or its model.json', async () => {
    await makeModel().save(`file://${folder}`);
    for (const path of [folder, join(folder, 'model.json')]) {
      expect(predict(await tf.loadLayersModel(`file://${path}`))).toEqual([[17, 23]]);
      expect(predict(await tf.loadLayersModel(tf.io.fileSystem(path)))).toEqual([[17, 23]]);
    }
  });

  it('joins groups and shards that cut through weights', async () => {
    await makeModel().save(`file://${folder}`);
    const bytes = readFileSync(join(folder, 'weights.bin'));
    mkdirSync(join(folder, 'more'));
    writeFileSync(join(folder, 'shard1of2'), bytes.subarray(0, 10));
    writeFileSync(join(folder, 'shard2of2'), bytes.subarray(10, 24));
    writeFileSync(join(folder, 'more', 'bias'), bytes.subarray(24));
    rmSync(join(folder, 'weights.bin'));
    const file = join(folder, 'model.json');
    const json = JSON.parse(readFileSync(file, 'utf8')) as tf.io.ModelJSON;
    const [kernel, bias] = (json.weightsManifest[0] as tf.io.WeightsManifestConfig[number]).weights as [
      tf.io.WeightsManifestEntry,
      tf.io.WeightsManifestEntry,
    ];
    json.weightsManifest = [
      { paths: ['shard1of2', 'shard2of2'], weights: [kernel] },
      { paths: ['more/bias'], weights: [bias] },
    ];
    writeFileSync(file, JSON.stringify(json));
    expect(predict(await tf.loadLayersModel(`file://${folder}`))).toEqual([[17, 23]]);
  });

  it('takes quantized weights and strings', async () => {
    const artifacts: tf.io.ModelArtifacts = {
      modelTopology: {},
      weightSpecs: [
        { name: 'q', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 2, min: 1 } },
        { name: 's', shape: [2], dtype: 'string' },
      ],
      weightData: new Uint8Array([0, 1, 2, 1, 0, 0, 0, 97, 0, 0, 0, 0]).buffer,
    };
    await tf.io.fileSystem(folder).save(artifacts);
    const { weightData, weightSpecs } = (await tf.io
      .fileSystem(folder)
      .load()) as Required<tf.io.ModelArtifacts>;
    const { q, s } = tf.io.decodeWeights(weightData, weightSpecs) as Record<'q' | 's', tf.Tensor>;
    expect(q.arraySync()).toEqual([1, 3, 5]);
    expect(s.arraySync()).toEqual(['a', '']);
  });

  const failure = (path: string) =>
    tf.loadLayersModel(`file://${path}`).then(
      () => 'loaded',
      (error: tf.TfjsNativeError) => `${error.code}: ${error.message}`,
    );

  it('says what is not there', async () => {
    const nowhere = join(folder, 'nowhere');
    expect(await failure(nowhere)).toBe(
      `MODEL_NOT_LOADED: No model could be loaded from ${nowhere}: there is no such file or folder (ENOENT). ` +
        "Expected is a model.json with its weights beside it, or their folder, as model.save('file://…') writes them.",
    );
    expect(await failure(folder)).toContain(`${join(folder, 'model.json')}: there is no such file`);
    await makeModel().save(`file://${folder}`);
    rmSync(join(folder, 'weights.bin'));
    expect(await failure(folder)).toContain(`${join(folder, 'weights.bin')}: there is no such file`);
  });

  it('says what is broken', async () => {
    await makeModel().save(`file://${folder}`);
    truncateSync(join(folder, 'weights.bin'), 31);
    expect(await failure(folder)).toContain(
      'weights.bin has 31 bytes where 32 are declared, so it is cut short',
    );
    truncateSync(join(folder, 'model.json'), 100);
    expect(await failure(folder)).toContain('it is not whole JSON');
    writeFileSync(join(folder, 'model.json'), '[]');
    expect(await failure(folder)).toContain('it is not a TensorFlow.js model');
    writeFileSync(join(folder, 'model.json'), 'null');
    expect(await failure(folder)).toContain('it is not a TensorFlow.js model');
  });

  it('refuses a pair of paths', () => {
    expect(() => tf.io.fileSystem(['model.pb', 'weights.json'])).toThrow('expected one path');
  });
});

describe('a save that fails leaves the model that was there', () => {
  const save = (path: string) => `
    const tf = require('tfjs-native');
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 100, inputShape: [1000] })] });
    model.save(${JSON.stringify(`file://${path}`)}).then(
      () => console.log(JSON.stringify(['saved'])),
      (error) => console.log(JSON.stringify([error.code, error.message])));`;

  beforeEach(async () => {
    chmodSync(folder, 0o777);
    await makeModel().save(`file://${folder}`);
  });
  const expectUntouched = async () => {
    expect(readdirSync(folder).sort()).toEqual(['model.json', 'weights.bin']);
    expect(predict(await tf.loadLayersModel(`file://${folder}`))).toEqual([[17, 23]]);
  };

  it('when the disk takes no more', async () => {
    const [code, message] = (await output(save(folder), {
      under: ['sh', '-c', 'ulimit -f 16; exec "$@"', 'sh'],
    })) as string[];
    expect(code).toBe('MODEL_NOT_SAVED');
    expect(message).toMatch(
      /not saved to .*larger than .* allows \(EFBIG\)\. What was there before is unchanged\./,
    );
    await expectUntouched();
  });

  it('when the folder may not be written', async () => {
    chmodSync(folder, 0o555);
    // Permissions do not bind root.
    const uid = process.getuid?.() === 0 ? 65534 : undefined;
    const [code, message] = (await output(save(folder), { uid })) as string[];
    chmodSync(folder, 0o777);
    expect(code).toBe('MODEL_NOT_SAVED');
    expect(message).toContain(
      'this user has no permission there; change the permissions or choose another folder',
    );
    await expectUntouched();
  });

  it('when a file is where the folder should be, or a folder where a file should be', async () => {
    const file = join(folder, 'weights.bin');
    await expect(makeModel().save(`file://${file}`)).rejects.toMatchObject({ code: 'MODEL_NOT_SAVED' });
    await expect(makeModel().save(`file://${file}/deeper`)).rejects.toThrow('a part of the path is a file');
    await expectUntouched();

    const other = mkdtempSync(join(all, 'other-'));
    mkdirSync(join(other, 'weights.bin'));
    await expect(makeModel().save(`file://${other}`)).rejects.toMatchObject({ code: 'MODEL_NOT_SAVED' });
    expect(readdirSync(other)).toEqual(['weights.bin']);
  });

  it('where nothing can be made', async () => {
    await expect(makeModel().save('file:///proc/nothing/here')).rejects.toMatchObject({
      code: 'MODEL_NOT_SAVED',
    });
  });

  it('when the topology is binary', async () => {
    const artifacts = { modelTopology: new ArrayBuffer(4), weightSpecs: [], weightData: new ArrayBuffer(0) };
    await expect(tf.io.fileSystem(folder).save(artifacts)).rejects.toThrow('only JSON can be saved');
    await expectUntouched();
  });
});
