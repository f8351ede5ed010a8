/** The role of a function of this package. Any other function may be a user's dialer or middleware. */
export interface Role {
  readonly kind: "dialer" | "middleware" | "factory";
  /** The exported name of a factory. */
  readonly name?: string;
  /** Whether a middleware only observes. */
  readonly observes?: boolean;
}

const roleKey: unique symbol = Symbol("dialtrace.role");

const dialer: Role = Object.freeze({ kind: "dialer" });
const middleware: Role = Object.freeze({ kind: "middleware" });
const observer: Role = Object.freeze({ kind: "middleware", observes: true });

/** Marks a dialer, so that it is rejected in place of a middleware. */
export function markDialer(marked: object): void {
  setRole(marked, dialer);
}

/** Marks a middleware, so that it is rejected in place of a dialer. */
export function markMiddleware(marked: object, observes = false): void {
  setRole(marked, observes ? observer : middleware);
}

/** Marks exported factories with their names, so that `tcp` is recognized in place of `tcp()`. */
export function markFactories(factories: Readonly<Record<string, object>>): void {
  for (const [name, factory] of Object.entries(factories)) setRole(factory, { kind: "factory", name });
}

/** Returns the role of a function of this package, or `undefined`. */
export function roleOf(value: unknown): Role | undefined {
  return typeof value === "function" ? (value as { [roleKey]?: Role })[roleKey] : undefined;
}

function setRole(marked: object, role: Role): void {
  Object.defineProperty(marked, roleKey, { value: role, configurable: true });
}
