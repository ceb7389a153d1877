/** Figures for people. */
import type { Info } from '../info';
import type { TensorFlowInfo } from '../tensorflow';

/** 12,345 */
export const count = (value: number) => Math.round(value).toLocaleString('en-US');

/** `12,345 images`, `1 image` */
export const amount = (value: number, noun: string) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** Of losses and accuracies. */
export const figure = (value: number) => value.toFixed(4);

/** `4.2 s`, `3 min 20 s` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${count(Math.floor(whole / 60))} min ${whole % 60} s`;
}

/** `2.9.1 by @tensorflow/tfjs-node, on CPU` */
export const computing = ({ package: name, version, device }: TensorFlowInfo) =>
  `${version} by ${name}, on ${device}`;

/** `native, avx512, 2 threads`: the instruction set and threads are those of native kernels. */
export function runtime(info: Pick<Info, 'backend' | 'isa' | 'threads' | 'tensorflow'>): string {
  const { backend, isa, threads, tensorflow } = info;
  if (backend === 'native') return `${backend}, ${isa}, ${amount(threads, 'thread')}`;
  return tensorflow ? `${backend} ${computing(tensorflow)}` : backend;
}

/** Rows of a name and a value. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, value]) => name.padEnd(width) + value).join('\n');
}

/** Rows under a heading, the first column to the left and the others to the right. */
export function grid(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, c) => Math.max(...texts.map((row) => row[c]?.length ?? 0)));
  const cell = (text: string, c: number) =>
    c === 0 ? text.padEnd(widths[c] as number) : text.padStart(widths[c] as number);
  return texts.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}
