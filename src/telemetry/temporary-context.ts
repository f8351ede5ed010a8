import type { Context } from "@opentelemetry/api";

/**
 * A context that stands for `during` until it ends, and for `after` from then on. A socket keeps the context in which it was
 * created: with an ordinary context, everything it ever emits would run beneath the span of its dial, with
 * tracing suppressed.
 */
export class TemporaryContext implements Context {
  #current: Context;
  readonly #after: Context;
  #derived: TemporaryContext[] | undefined;

  constructor(during: Context, after: Context) {
    this.#current = during;
    this.#after = after;
  }

  /**
   * Returns what `context` stands for if it has ended. A reconnect starts in the ended context of the dial before it, so
   * without this the contexts of a long-lived client would form an ever longer chain.
   */
  static resolve(context: Context): Context {
    let resolved = context;
    while (resolved instanceof TemporaryContext && resolved.#current === resolved.#after) resolved = resolved.#after;
    return resolved;
  }

  /** Ends this context and all contexts derived from it. */
  end(): void {
    this.#current = this.#after;
    for (const each of this.#derived ?? []) each.end();
    this.#derived = undefined;
  }

  getValue(key: symbol): unknown {
    return this.#current.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#derive((context) => context.setValue(key, value));
  }

  deleteValue(key: symbol): Context {
    return this.#derive((context) => context.deleteValue(key));
  }

  #derive(change: (context: Context) => Context): Context {
    if (this.#current === this.#after) return change(this.#after);
    const derived = new TemporaryContext(change(this.#current), change(this.#after));
    this.#derived ??= [];
    this.#derived.push(derived);
    return derived;
  }
}
