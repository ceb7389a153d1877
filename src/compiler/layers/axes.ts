/** Dimensions that parameters and layers speak of. */
import type { Tape, Value } from '../tape';

/** Parameters that ops have for each of the dimensions that a tensor may have. */
type Axis = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** `name`0 to `name`7, with zeros behind the last number. */
export function perAxis<Name extends string>(
  name: Name,
  numbers: readonly number[],
): Record<`${Name}${Axis}`, number> {
  const params = Array.from({ length: 8 }, (_, axis) => [`${name}${axis}`, numbers[axis] ?? 0]);
  return Object.fromEntries(params) as Record<`${Name}${Axis}`, number>;
}

/**
 * Brings dimensions to the end, which is where ops have those that they work on.
 * @param axes counted with the batch, whose own is not among them
 * @returns `forth` for the layer's input and gradients of its output, `back` for the other way; the same value if they
 *   are at the end already
 */
export function toTheEnd(
  tape: Tape,
  rank: number,
  axes: readonly number[],
): { forth(value: Value): Value; back(value: Value): Value } {
  const others = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i));
  const order = [...others, ...axes.toSorted((a, b) => a - b)];
  if (order.every((from, to) => from === to)) return { forth: (value) => value, back: (value) => value };
  const transposed = (value: Value, perm: readonly number[]): Value => {
    const to = tape.like({ dims: perm.map((i) => value.dims[i] as number) });
    tape.call('Transpose', [value], [to], perAxis('perm', perm));
    return to;
  };
  return {
    forth: (value) => transposed(value, order),
    back: (value) =>
      transposed(
        value,
        order.map((_, i) => order.indexOf(i)),
      ),
  };
}

/** Axes counted from the front, with the batch. */
export function fromTheFront(axis: number | readonly number[], rank: number): number[] {
  return [axis].flat().map((each) => ((each as number) < 0 ? (each as number) + rank : (each as number)));
}
