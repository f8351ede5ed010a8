import type { Context } from "@opentelemetry/api";

/**
 * A context that is one until its end and another from then on. What is opened in a context keeps it:
 * without this, all that a socket ever hears would be heard beneath the span of its dial, and with
 * tracing suppressed.
 */
export class PassingContext implements Context {
  #now: Context;
  readonly #after: Context;
  #derived: PassingContext[] = [];

  constructor(during: Context, after: Context) {
    this.#now = during;
    this.#after = after;
  }

  /** What `context` has come to be: a reconnect begins in what is left of the dial before, and so on for days. */
  static settled(context: Context): Context {
    let settled = context;
    while (settled instanceof PassingContext && settled.#now === settled.#after) settled = settled.#after;
    return settled;
  }

  /** Lets go of what it was, and so do those that were made of it. */
  end(): void {
    this.#now = this.#after;
    for (const each of this.#derived) each.end();
    this.#derived = [];
  }

  getValue(key: symbol): unknown {
    return this.#now.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#derive((context) => context.setValue(key, value));
  }

  deleteValue(key: symbol): Context {
    return this.#derive((context) => context.deleteValue(key));
  }

  #derive(change: (context: Context) => Context): Context {
    if (this.#now === this.#after) return change(this.#after);
    const derived = new PassingContext(change(this.#now), change(this.#after));
    this.#derived.push(derived);
    return derived;
  }
}
