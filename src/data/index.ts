/** `tfjs-native/data`: data sets, splits and batches. */
import '../index';

export { type BatchOptions, batches, type BatchSource } from './batches';
export { type ImageDataset, type ImageSets, slice, splitValidation } from './dataset';
export { type IdxArray, readIdx } from './idx';
export { loadMnist, loadMnistSet, type MnistOptions } from './mnist';
export { type Batch, tensors } from './tensors';
