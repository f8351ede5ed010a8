import { type Context, createContextKey } from "@opentelemetry/api";

/** The context key by which every SDK (`@opentelemetry/core`) recognizes suppressed tracing. The API shares keys by name. */
const suppressed = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");

/** Reports whether tracing is suppressed in `context`. */
export function isTracingSuppressed(context: Context): boolean {
  return context.getValue(suppressed) === true;
}

/** Returns `context` with tracing suppressed. */
export function suppressTracing(context: Context): Context {
  return new SuppressedContext(context);
}

/** Overrides one value of its parent. `setValue` of the API would copy all of them at every dial. */
class SuppressedContext implements Context {
  readonly #parent: Context;

  constructor(parent: Context) {
    this.#parent = parent;
  }

  getValue(key: symbol): unknown {
    return key === suppressed ? true : this.#parent.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#copy().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#copy().deleteValue(key);
  }

  #copy(): Context {
    return this.#parent.setValue(suppressed, true);
  }
}
