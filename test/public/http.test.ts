/** Models over HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as tf from 'tfjs-native';
import { afterAll, beforeAll, expect, it } from 'vitest';

let server: Server;
let url: string;
const asked: (string | undefined)[] = [];

beforeAll(async () => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })],
  });
  let artifacts: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler(async (saved) => {
      artifacts = saved;
      return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
    }),
  );
  const { modelTopology, weightSpecs, weightData } = artifacts;
  const json = JSON.stringify({ modelTopology, weightsManifest: [{ paths: ['w'], weights: weightSpecs }] });
  const files: Record<string, string | Buffer> = {
    '/model.json': json,
    '/w': Buffer.from(weightData as ArrayBuffer),
    '/elsewhere/w': Buffer.from(new Float32Array([10, 20, 0]).buffer),
  };
  server = createServer((request, response) => {
    asked.push(request.headers.authorization);
    const file = files[request.url ?? ''];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const predict = (model: tf.LayersModel) => (model.predict(tf.tensor2d([[1, 2]])) as tf.Tensor).arraySync();

it('load by their URL', async () => {
  expect(predict(await tf.loadLayersModel(`${url}/model.json`))).toEqual([[3]]);
});

it('load by nodeHTTPRequest, with headers and the weights elsewhere', async () => {
  asked.length = 0;
  const headers = { authorization: 'secret' };
  const handler = tf.io.nodeHTTPRequest(`${url}/model.json`, { headers }, `${url}/elsewhere/`);
  expect(predict(await tf.loadLayersModel(handler))).toEqual([[50]]);
  expect(asked).toEqual(['secret', 'secret']);
});
