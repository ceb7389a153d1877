/**
 * Puts off loading something until its first use, because a program that never uses it should not pay for it at
 * start.
 */

/**
 * A stand-in for a function or class that `load` returns: calls, `new`, `instanceof`, `extends` and static members
 * all go to the real one.
 */
export function lazy<T extends object>(load: () => T): T {
  // biome-ignore lint/complexity/useArrowFunction: only this may be called, constructed and have any `prototype`
  const target = function () {} as unknown as T;
  const real = load as () => (...args: unknown[]) => unknown;
  return new Proxy(target, {
    apply: (_, self, args: unknown[]) => Reflect.apply(real(), self, args),
    construct: (_, args: unknown[], newTarget) => Reflect.construct(real(), args, newTarget) as object,
    get: (_, key) => Reflect.get(real(), key) as unknown,
    set: (_, key, value) => Reflect.set(real(), key, value),
    has: (_, key) => Reflect.has(real(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(real()),
  });
}
