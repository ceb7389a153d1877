/** The exports of `@tensorflow/tfjs-data`, which is loaded at the first use of one of them. */
import type { TensorContainer } from '@tensorflow/tfjs-core';
import type * as upstream from '@tensorflow/tfjs-data';
import { lazy } from './lazy';
import { packageVersion } from './versions';

export type { ColumnConfig, MicrophoneConfig, WebcamConfig } from '@tensorflow/tfjs-data';

const load = () => require('@tensorflow/tfjs-data') as typeof upstream;

export const CSVDataset = lazy(() => load().CSVDataset);
export type CSVDataset = upstream.CSVDataset;
export const Dataset = lazy(() => load().Dataset);
export type Dataset<T extends TensorContainer> = upstream.Dataset<T>;
export const FileDataSource = lazy(() => load().FileDataSource);
export type FileDataSource = upstream.FileDataSource;
export const TextLineDataset = lazy(() => load().TextLineDataset);
export type TextLineDataset = upstream.TextLineDataset;
export const URLDataSource = lazy(() => load().URLDataSource);
export type URLDataSource = upstream.URLDataSource;
export const array = lazy(() => load().array);
export const csv = lazy(() => load().csv);
export const func = lazy(() => load().func);
export const generator = lazy(() => load().generator);
export const microphone = lazy(() => load().microphone);
export const webcam = lazy(() => load().webcam);
export const zip = lazy(() => load().zip);
export const version_data: string = packageVersion('@tensorflow/tfjs-data');
