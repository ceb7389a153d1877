/** What layers of images have in common, and of sequences, which are images one pixel wide. */
import type { Layer } from '@tensorflow/tfjs-layers/dist/engine/topology';
import type { Tape, Value } from '../tape';

/** Why a layer cannot be compiled: ops take the channels last. */
export function refuseChannelsFirst(layer: Layer): string | undefined {
  const { dataFormat } = layer as unknown as { dataFormat?: string };
  return dataFormat === 'channelsFirst' ? 'its channels come first' : undefined;
}

/** [batch, height, width, channels] of images, [batch, steps, 1, channels] of sequences. */
export function asImage(value: Value, tape: Tape): Value {
  const [samples, height, ...others] = value.dims as [number, number, ...number[]];
  return others.length === 1 ? tape.view(value, [samples, height, 1, ...others]) : value;
}
