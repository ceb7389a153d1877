/** What training tells while it runs. */
import type { DownloadProgress } from '../data/download';

/** Training is about to begin. */
export interface StartEvent {
  readonly event: 'start';
  readonly model: string;
  /** Images that are trained on, and that are held out for validation. */
  readonly images: number;
  readonly validationImages: number;
  readonly epochs: number;
  /** Steps of an epoch. */
  readonly steps: number;
  /** Where a training that was stopped goes on: whole epochs, and steps of the next one, that are done already. */
  readonly epoch: number;
  readonly step: number;
  /** The images of those steps. */
  readonly imagesDone: number;
}

/** A step is done. */
export interface StepEvent {
  readonly event: 'step';
  /** Counted from 1. */
  readonly epoch: number;
  /** Counted from 1 in every epoch. */
  readonly step: number;
  /** Images of this epoch so far. */
  readonly images: number;
  /** Means over the images of this epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
}

/** An epoch is done and the model is saved. */
export interface EpochEvent {
  readonly event: 'epoch';
  /** Counted from 1. */
  readonly epoch: number;
  /** Means over the epoch's images, each seen by the weights of its step. */
  readonly loss: number;
  readonly accuracy: number;
  /** Of the images that are held out. */
  readonly valLoss: number;
  readonly valAccuracy: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  /** Time that the epoch took, validation included. */
  readonly seconds: number;
}

/** With early stopping, at the end: the model got the weights of its best epoch back. */
export interface BestEvent {
  readonly event: 'best';
  /** Counted from 1. */
  readonly epoch: number;
}

/** Files of a known data set are not there yet and are downloaded. */
export interface DownloadEvent extends DownloadProgress {
  readonly event: 'download';
}

/** Something went wrong that does not stop the training. */
export interface WarningEvent {
  readonly event: 'warning';
  readonly message: string;
}

export type TrainEvent = StartEvent | StepEvent | EpochEvent | BestEvent | DownloadEvent | WarningEvent;
