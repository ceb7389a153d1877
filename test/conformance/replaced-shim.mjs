/** The functions of tfjs-core that the package has replaced (src/upstream/random.ts), as users call them. */
import { createRequire } from 'node:module';

export const {
  dropout,
  multinomial,
  randomNormal,
  randomStandardNormal,
  randomUniform,
  randomUniformInt,
  truncatedNormal,
} = createRequire(import.meta.url)('@tensorflow/tfjs-core');
