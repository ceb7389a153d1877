/** Files of data sets from the web, kept in a cache folder: a file is downloaded once. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { nativeError } from '../errors';
import { reasonOf } from '../io/reasons';

/** Told while a file is downloaded. */
export interface DownloadProgress {
  readonly file: string;
  /** Bytes that are there, and of the whole file if that is known. */
  readonly received: number;
  readonly total: number | undefined;
}

/** A file, and where it can be had. */
export interface RemoteFile {
  /** In the cache folder. */
  readonly path: string;
  /** The first one that works is taken. */
  readonly urls: readonly string[];
  /** Of the whole file, hexadecimal. */
  readonly md5: string;
}

export interface DownloadOptions {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where downloads are kept: `$TFJS_NATIVE_DATA`, else `tfjs-native/data` in `$XDG_CACHE_HOME` or `~/.cache`. */
export function cacheFolder(): string {
  const { TFJS_NATIVE_DATA: own, XDG_CACHE_HOME: cache } = process.env;
  return own || join(cache || join(homedir(), '.cache'), 'tfjs-native', 'data');
}

async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}

async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5');
  for await (const part of createReadStream(file)) hash.update(part as Buffer);
  return hash.digest('hex');
}

/** A server that says nothing for so long is given up. */
const patience = 30_000;

/** Appends to `part` what is missing of it. */
async function fetchRest(
  url: string,
  part: string,
  report: (received: number, total?: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const begin = (await sizeOf(part)) ?? 0;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(new Error(`no answer for ${patience / 1000} s`)), patience);
  const signals = AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]);
  try {
    const headers = begin > 0 ? { Range: `bytes=${begin}-` } : {};
    const response = await fetch(url, { headers, signal: signals });
    // All of it is there already.
    if (response.status === 416) return;
    if (!response.ok || response.body === null) throw new Error(`${response.status} ${response.statusText}`);
    // A server that knows no ranges sends the file from its beginning.
    const continues = response.status === 206;
    let received = continues ? begin : 0;
    const length = response.headers.get('content-length');
    const total = length === null ? undefined : received + Number(length);
    const file = await open(part, continues ? 'a' : 'w');
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        await file.write(chunk);
        received += chunk.length;
        report(received, total);
        timer.refresh();
      }
    } finally {
      await file.close();
    }
    if (total !== undefined && received !== total)
      throw new Error(`ended after ${received} of ${total} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

/** The reason behind fetch's "fetch failed". */
const causeOf = (error: unknown): string => reasonOf((error as Error).cause ?? error);

/**
 * The path of a file in the cache, which is downloaded if it is not there. What was received of a download that broke off
 * is kept, and only the rest is asked for the next time.
 * @throws TfjsNativeError DOWNLOAD_FAILED, naming what each address answered
 */
export async function cached(
  { path, urls, md5 }: RemoteFile,
  { onProgress, signal }: DownloadOptions = {},
): Promise<string> {
  const file = join(cacheFolder(), path);
  if ((await sizeOf(file)) !== undefined) return file;
  const part = `${file}.part`;
  const failures: string[] = [];
  try {
    await mkdir(dirname(file), { recursive: true });
  } catch (error) {
    throw nativeError('DOWNLOAD_FAILED', file, reasonOf(error));
  }
  for (const url of urls) {
    try {
      const report = (received: number, total?: number) => onProgress?.({ file: path, received, total });
      await fetchRest(url, part, report, signal);
      const found = await md5Of(part);
      if (found === md5) {
        await rename(part, file);
        return file;
      }
      await rm(part, { force: true });
      failures.push(`${url}: its checksum (MD5) is ${found} in place of ${md5}`);
    } catch (error) {
      if (signal?.aborted) throw error;
      failures.push(`${url}: ${causeOf(error)}`);
    }
  }
  throw nativeError('DOWNLOAD_FAILED', file, failures.join('; '));
}
