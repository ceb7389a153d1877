/** `tfjs-native/data`: data sets, splits and batches. */
import '../index';

export { fromTensors, type TensorDataOptions } from './arrays';
export { type BatchOptions, batches, type BatchSource } from './batches';
export {
  classCounts,
  concat,
  type ImageDataset,
  type ImageReader,
  type ImageSets,
  type Pixels,
  slice,
  subset,
} from './dataset';
export { type IdxArray, readIdx } from './idx';
export { loadMnist, loadMnistSet, type MnistOptions } from './mnist';
export { type Augmentation, dataNames, type DataName } from './names';
export { channelStatistics, type Preprocessing, preprocessingFor } from './preprocessing';
export { balancedClassWeights } from './sampling';
export { loadData, loadTestSet } from './sources';
export { type SplitOptions, type Splits, split, splitByRatio, splitValidation } from './splits';
export { type Batch, type TensorOptions, tensors } from './tensors';
export { type CsvOptions, loadCsv } from './csv';
export type { DecodeOptions } from './decode';
export type { DownloadProgress } from './download';
export { type ImageFolderOptions, loadImageFolder } from './image-folder';
export { type DataSummary, inspectData, type SetSummary } from './inspect';
