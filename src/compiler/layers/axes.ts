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
