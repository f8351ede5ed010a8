/** What a function of this package is for. Any other function may be a dialer or a middleware of the user's own. */
export interface Role {
  readonly kind: "dialer" | "middleware" | "factory";
  /** Of a factory: what it is exported as. */
  readonly name?: string;
}

const roles = new WeakMap<object, Role>();

const dialerRole: Role = Object.freeze({ kind: "dialer" });
const middlewareRole: Role = Object.freeze({ kind: "middleware" });

/** Marks a dialer, so that it is recognised where a middleware belongs. */
export function markDialer(dialer: object): void {
  roles.set(dialer, dialerRole);
}

/** Marks a middleware, so that it is recognised where a dialer belongs. */
export function markMiddleware(middleware: object): void {
  roles.set(middleware, middlewareRole);
}

/** Marks exported functions, by their names, so that `tcp` is recognised where `tcp()` belongs. */
export function markFactories(factories: Readonly<Record<string, object>>): void {
  for (const [name, factory] of Object.entries(factories)) roles.set(factory, { kind: "factory", name });
}

export function roleOf(value: unknown): Role | undefined {
  return typeof value === "function" ? roles.get(value) : undefined;
}
