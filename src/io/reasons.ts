/** The file system's errors in words that say what to do. */

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user has no permission there; change the permissions or choose another folder',
  EDQUOT: "the user's disk quota is used up; free some space or choose another disk",
  EEXIST: 'a file is in the way; remove it or choose another folder',
  EFBIG: 'the file would be larger than the file system or the user limit (ulimit -f) allows',
  EISDIR: 'a folder is where a file should be',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full; free some space or choose another disk',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EPERM: 'the system does not permit it; choose another folder',
  EROFS: 'the file system is read-only; choose another folder',
};

/** Why a file operation failed. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? undefined : reasons[code];
  return reason === undefined ? message : `${reason} (${code})`;
}
