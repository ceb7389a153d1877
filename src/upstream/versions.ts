/** Versions of this package and of the TensorFlow.js packages under it. */
import { version_cpu } from '@tensorflow/tfjs-backend-cpu';
import { version_core } from '@tensorflow/tfjs-core';
import { version_layers } from '@tensorflow/tfjs-layers';

/** The version of an installed package, without loading the package. */
export function packageVersion(name: string): string {
  return (require(`${name}/package.json`) as { version: string }).version;
}

/** The version of this package. */
export const ownVersion: string = packageVersion('../..');

/** Versions by package, as `tf.version` of tfjs-node has them; `tfjs` is the TensorFlow.js release all of them are of. */
export const version = {
  'tfjs-core': version_core,
  'tfjs-backend-cpu': version_cpu,
  'tfjs-data': packageVersion('@tensorflow/tfjs-data'),
  'tfjs-layers': version_layers,
  'tfjs-converter': packageVersion('@tensorflow/tfjs-converter'),
  tfjs: version_core,
  'tfjs-native': ownVersion,
} as const;
