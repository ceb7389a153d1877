/** Data by name or by where it lies. */
import type { ImageDataset, ImageSets } from './dataset';
import { loadMnist, loadMnistSet } from './mnist';

/** What is being read already. */
const started = new Map<string, Promise<ImageSets>>();

async function read(source: string): Promise<ImageSets> {
  return loadMnist({ data: source === 'mnist' ? undefined : source });
}

/** Begins to read what {@link loadData} will be asked for, while its caller does other things. */
export function startLoading(source: string): void {
  const reading = read(source);
  reading.catch(() => undefined);
  started.set(source, reading);
}

export async function loadData(source = 'mnist'): Promise<ImageSets> {
  const reading = started.get(source) ?? read(source);
  started.delete(source);
  return reading;
}

export async function loadTestSet(source = 'mnist'): Promise<ImageDataset> {
  return loadMnistSet('test', { data: source === 'mnist' ? undefined : source });
}
