import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { TfjsNativeError } from 'tfjs-native';
import { loadData } from 'tfjs-native/data';
import { cached, cacheFolder, type DownloadProgress } from '../../dist/data/download';
import { firstOf, temporaryFolder } from './idx-files';

const content = gzipSync(firstOf('test', 500).images);
const md5 = createHash('md5').update(content).digest('hex');
const path = 'mnist/images.gz';

/** A server and the requests that it had. */
async function serve(answer: RequestListener): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? ''}`.trim());
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const whole: RequestListener = (_, response) => {
  response.setHeader('content-length', content.length).end(content);
};

const failure = (loading: Promise<unknown>) =>
  loading.then(
    () => expect.fail('it should have failed'),
    (error: unknown) => error as TfjsNativeError,
  );

beforeEach(() => {
  vi.stubEnv('TFJS_NATIVE_DATA', temporaryFolder());
  return () => vi.unstubAllEnvs();
});

describe('a file', () => {
  test('is downloaded once, with progress', async () => {
    const { url, requests } = await serve(whole);
    const progress: DownloadProgress[] = [];
    const file = await cached({ path, urls: [`${url}/a`], md5 }, { onProgress: (of) => progress.push(of) });
    expect(file).toBe(join(cacheFolder(), path));
    expect(readFileSync(file).equals(content)).toBe(true);
    expect(progress.at(-1)).toEqual({ file: path, received: content.length, total: content.length });
    expect(readdirSync(dirname(file))).toEqual(['images.gz']);
    expect(await cached({ path, urls: [`${url}/a`], md5 })).toBe(file);
    expect(requests).toEqual(['/a']);
  });

  test('that broke off goes on where it was', async () => {
    let broken = true;
    const { url, requests } = await serve((request, response) => {
      const begin = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const part = content.subarray(begin);
      response.writeHead(begin > 0 ? 206 : 200, { 'content-length': part.length });
      if (!broken) return response.end(part);
      broken = false;
      response.write(part.subarray(0, 1000), () => setTimeout(() => response.destroy(), 50));
      return undefined;
    });
    const remote = { path, urls: [`${url}/a`], md5 };
    const error = await failure(cached(remote));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain(`${url}/a: `);
    expect(existsSync(join(cacheFolder(), path))).toBe(false);
    expect(readFileSync(await cached(remote)).equals(content)).toBe(true);
    expect(requests).toEqual(['/a', '/a bytes=1000-']);
  });

  test('comes from the next mirror where one fails or has another file', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/missing') response.writeHead(404).end();
      else if (request.url === '/other') response.end('another file');
      else whole(request, response);
    });
    const urls = ['missing', 'other', 'good'].map((name) => `${url}/${name}`);
    expect(readFileSync(await cached({ path, urls, md5 })).equals(content)).toBe(true);
    vi.stubEnv('TFJS_NATIVE_DATA', temporaryFolder());
    const error = await failure(cached({ path, urls: urls.slice(0, 2), md5 }));
    expect(error.message).toContain('missing: 404 Not Found');
    expect(error.message).toContain(`in place of ${md5}`);
    expect(readdirSync(join(cacheFolder(), 'mnist'))).toEqual([]);
  });
});

test('a known data set is asked from a mirror of one’s own, and from the cache when there is no network', async () => {
  const { url, requests } = await serve((_, response) => response.writeHead(503).end());
  vi.stubEnv('TFJS_NATIVE_MIRROR', `${url}/sets/`);
  const error = await failure(loadData('fashion-mnist'));
  expect(error.code).toBe('DOWNLOAD_FAILED');
  expect(error.message).toContain('503');
  expect(requests).toEqual(['/sets/fashion-mnist/train-images-idx3-ubyte.gz']);
  const folder = join(cacheFolder(), 'fashion-mnist');
  mkdirSync(folder, { recursive: true });
  for (const [set, name] of [
    ['train', 'train'],
    ['test', 't10k'],
  ] as const) {
    const { images, labels } = firstOf(set, 20);
    writeFileSync(join(folder, `${name}-images-idx3-ubyte.gz`), gzipSync(images));
    writeFileSync(join(folder, `${name}-labels-idx1-ubyte.gz`), gzipSync(labels));
  }
  const { train } = await loadData('fashion-mnist');
  expect(train.count).toBe(20);
  expect(train.classNames?.[9]).toBe('ankle boot');
  expect(requests).toHaveLength(1);
});
