/** The data sets that are known by name: their files, where these can be had, what the classes are called. */
import type { RemoteFile } from './download';
import type { DataName } from './names';

/** What a known data set consists of. */
interface Known {
  /** Folder in the cache. */
  readonly folder: string;
  /** Name and MD5 of each file. */
  readonly files: readonly (readonly [name: string, md5: string])[];
  /** Addresses of the folder that holds the files. */
  readonly mirrors: readonly string[];
  readonly classNames?: readonly string[];
}

const idxNames = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
] as const;

const idxFiles = (md5s: readonly [string, string, string, string]) =>
  idxNames.map((name, i) => [name, md5s[i] as string] as const);

const mnist: Known = {
  folder: 'mnist',
  files: idxFiles([
    'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'd53e105ee54ea40749a09fcbcd1e9432',
    '9fb629c4189551a2d022fa330f9573f3',
    'ec29112dd5afa0611ce80d1b7f02629c',
  ]),
  mirrors: [
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
  ],
};

const fashion: Known = {
  folder: 'fashion-mnist',
  files: idxFiles([
    '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    '25c81989df183df01b3e8a0aad5dffbe',
    'bef4ecab320f06d8554ea6380940ec79',
    'bb300cfdad3c16e7a12a480ee83cd310',
  ]),
  mirrors: [
    'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
    'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
  ],
  classNames: [
    't-shirt',
    'trouser',
    'pullover',
    'dress',
    'coat',
    'sandal',
    'shirt',
    'sneaker',
    'bag',
    'ankle boot',
  ],
};

const cifar10: Known = {
  folder: 'cifar10',
  files: [['cifar-10-binary.tar.gz', 'c32a1d4ab5d03f1284b67883e8d87530']],
  mirrors: ['https://www.cs.toronto.edu/~kriz/'],
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
};

const digits = [...'0123456789'];
const capitals = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const smallLetters = [...'abcdefghijklmnopqrstuvwxyz'];
/** Small letters that differ from their capitals (Cohen et al., "EMNIST"). */
const distinctLetters = [...'abdefghnqrt'];

const emnist = (classNames: readonly string[]): Known => ({
  folder: 'emnist',
  files: [['gzip.zip', '58c8d27c78d21e728a6bc7b3cc06412e']],
  mirrors: ['https://biometrics.nist.gov/cs_links/EMNIST/'],
  classNames,
});

const table: Readonly<Record<DataName, Known>> = {
  mnist,
  'fashion-mnist': fashion,
  'emnist-balanced': emnist([...digits, ...capitals, ...distinctLetters]),
  'emnist-byclass': emnist([...digits, ...capitals, ...smallLetters]),
  'emnist-bymerge': emnist([...digits, ...capitals, ...distinctLetters]),
  'emnist-digits': emnist(digits),
  'emnist-letters': emnist(capitals),
  'emnist-mnist': emnist(digits),
  cifar10,
};

/** What the classes of a known data set are called; undefined for digits. */
export const classNamesOf = (name: DataName): readonly string[] | undefined => table[name].classNames;

/**
 * The files of a known data set. Where `$TFJS_NATIVE_MIRROR` is set, only the server of that address is asked, for the
 * folders that the cache has too: `$TFJS_NATIVE_MIRROR/fashion-mnist/train-images-idx3-ubyte.gz`.
 */
export function filesOf(name: DataName): RemoteFile[] {
  const { folder, files, mirrors } = table[name];
  const own = process.env.TFJS_NATIVE_MIRROR?.replace(/\/*$/, `/${folder}/`);
  return files.map(([file, md5]) => ({
    path: `${folder}/${file}`,
    urls: (own ? [own] : mirrors).map((mirror) => mirror + file),
    md5,
  }));
}
