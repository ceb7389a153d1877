/** Writing files so that a failure leaves what was there before. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a file shall hold: pieces, one after another. */
export type Content = readonly (string | ArrayBuffer)[];

/**
 * Writes files of a folder, which is made if it is not there. Each is written under a temporary name beside its
 * place, and only when all of them are on the disk do they take their names, in the order given. If anything fails,
 * the files that were there stay as they are, and no temporary file is left.
 * @param contents what each file shall hold, by its name
 * @throws the error of the file system
 */
export async function writeFiles(folder: string, contents: Readonly<Record<string, Content>>): Promise<void> {
  await makeFolder(folder);
  const suffix = `${randomBytes(6).toString('hex')}.tmp`;
  const files = Object.entries(contents).map(([name, content]) => ({
    path: join(folder, name),
    temporary: join(folder, `.${name}.${suffix}`),
    content,
  }));
  try {
    for (const { temporary, content } of files) await writeDurably(temporary, content);
    for (const { temporary, path } of files) await rename(temporary, path);
  } catch (error) {
    await Promise.all(files.map(({ temporary }) => rm(temporary, { force: true })));
    throw error;
  }
}

async function writeDurably(path: string, content: Content): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const piece of content) {
      await file.writeFile(typeof piece === 'string' ? piece : new Uint8Array(piece));
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder and those above it. Node's own `recursive` never ends where nothing can be made, as in /proc. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !(await isFolder(dirname(path)))) {
      await makeFolder(dirname(path));
      await makeFolder(path);
    } else if (code !== 'EEXIST' || !(await isFolder(path))) {
      throw error;
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
